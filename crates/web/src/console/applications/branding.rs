//! How the pages of an application look: its settings, and a preview of them.
//!
//! The preview is the sign-in page itself, with what is stored or what was typed, in a frame that only the console may have.
//! What was typed comes by a form with the token of the console, so that no link shows an operator texts of somebody else.

use axum::response::Response;
use http::StatusCode;
use signet_protocol::{
    application::Application,
    branding::BrandColor,
    params::{RawParams, encode_pairs},
    sign_in::LoginMethod,
};

use super::{
    super::fields::field,
    frame::{Frame, Tab},
    settings::{Shown, page, save as save_card},
};
use crate::{
    console::{
        Answer, Ask,
        fields::{Card, Control},
        missing,
        words::{Pair, Words, fill, words},
    },
    login::forgot,
    manage::edit::Edit,
    pages::{
        Brand, Lang, LoginPage, Theme,
        palette::{DARK, Ground, LIGHT, Palette, WHITE, contrast, text_on},
    },
    respond::{self, Policy, SAME_ORIGIN},
};

words! {
    /// The texts.
    BrandingWords {
        preview: "Preview", "预览";
        preview_lead: "The sign-in page with what is typed here.", "按当前填写内容显示的登录页。";
        show: "Show preview", "显示预览";
        theme: "Theme", "主题";
        light: "Light", "浅色";
        dark: "Dark", "深色";
        language: "Language", "语言";
        english: "English", "英文";
        chinese: "Chinese", "中文";
        on_buttons: "On buttons", "按钮文字";
        white: "white, {}:1", "白色，{}:1";
        black: "black, {}:1", "黑色，{}:1";
        as_light: "As text, light", "浅色主题文字";
        as_dark: "As text, dark", "深色主题文字";
        contrast: "The contrast is at least 4.5:1, as WCAG 2.1 AA asks.", "对比度均不低于 4.5:1，符合 WCAG 2.1 AA 要求。";
    }
}

/// How its pages look, and what they say.
pub static CARD: Card = Card {
    id: "branding",
    title: Pair("Branding", "品牌"),
    lead: Pair(
        "How the pages look on which people sign in to this application. Plain text; what is empty is as Signet has it.",
        "用户登录此应用时所见页面的外观。仅限纯文本，留空则使用 Signet 的默认内容。",
    ),
    fields: &[
        field(
            "brand_color",
            Control::Color,
            Pair("Colour", "颜色"),
            Pair(
                "Of buttons, marks and links. Where it could not be read, a darker or lighter shade is used.",
                "用于按钮、标记和链接。难以辨认之处会自动使用更深或更浅的色调。",
            ),
        ),
        field(
            "logo_uri",
            Control::Text,
            Pair("Logo", "图标"),
            Pair(
                "The https address of a square picture. The browsers of people who sign in load it from there.",
                "方形图片的 https 地址，登录者的浏览器将从该地址加载。",
            ),
        ),
        field(
            "login_title",
            Control::Text,
            Pair("Heading", "标题"),
            Pair("In place of “Sign in”; at most 60 characters.", "替换“登录”，最多 60 个字符。"),
        ),
        field("login_title_zh", Control::Text, Pair("Heading in Chinese", "中文标题"), Pair("", "")),
        field(
            "login_text",
            Control::Text,
            Pair("Line below it", "标题下的说明"),
            Pair(
                "At most 200 characters, for example which name to sign in with.",
                "最多 200 个字符，例如说明用哪个账号登录。",
            ),
        ),
        field("login_text_zh", Control::Text, Pair("Line in Chinese", "中文说明"), Pair("", "")),
        field(
            "support_uri",
            Control::Text,
            Pair("Help page", "帮助页面"),
            Pair("An https address, linked below every page.", "https 地址，显示在每个页面底部。"),
        ),
        field(
            "support_text",
            Control::Text,
            Pair("What its link says", "帮助链接文字"),
            Pair("“Help” if empty; at most 40 characters.", "留空为“帮助”，最多 40 个字符。"),
        ),
        field(
            "support_text_zh",
            Control::Text,
            Pair("The same in Chinese", "帮助链接中文文字"),
            Pair("", ""),
        ),
        field(
            "policy_uri",
            Control::Text,
            Pair("Privacy policy", "隐私政策"),
            Pair("An https address.", "https 地址。"),
        ),
        field(
            "tos_uri",
            Control::Text,
            Pair("Terms of service", "服务条款"),
            Pair("An https address.", "https 地址。"),
        ),
    ],
};

/// A choice of what the preview shows.
pub struct Choice {
    /// The name of its buttons in the form.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Value, words, and whether it is chosen.
    pub options: [(&'static str, &'static str, bool); 2],
}

/// What becomes of the colour, in words.
pub struct Shade {
    /// Where.
    pub place: &'static str,
    /// What, with its contrast.
    pub text: String,
}

/// The preview beside the form.
pub struct Preview {
    /// What is shown before anything was typed.
    pub src: String,
    /// Where what was typed goes.
    pub action: String,
    /// Theme and language.
    pub choices: [Choice; 2],
    /// What becomes of the colour that is stored.
    pub shades: Vec<Shade>,
    lang: Lang,
}

impl Preview {
    /// Of an application, for who has typed `form` before.
    pub fn of(frame: &Frame, lang: Lang, form: &RawParams) -> Preview {
        let t = BrandingWords::of(lang);
        let action =
            format!("/console/applications/{}{}/preview", frame.application.id, Tab::Branding.path());
        let Look { theme, lang: shown } = Look::of(form, lang);
        let themes = [(Theme::Light, t.light), (Theme::Dark, t.dark)];
        let langs = [(Lang::En, t.english), (Lang::Zh, t.chinese)];
        let choices = [
            Choice {
                name: THEME,
                about: t.theme,
                options: themes.map(|(one, words)| (one.as_str(), words, one == theme)),
            },
            Choice {
                name: LANG,
                about: t.language,
                options: langs.map(|(one, words)| (one.tag(), words, one == shown)),
            },
        ];
        let query = encode_pairs([(THEME, theme.as_str()), (LANG, shown.tag())].into_iter());
        let color = frame.application.settings.branding.brand_color;
        let shades = color.map(|color| shades(t, color)).unwrap_or_default();
        Preview { src: format!("{action}?{query}"), action, choices, shades, lang }
    }

    /// The texts.
    pub fn t(&self) -> &'static BrandingWords {
        BrandingWords::of(self.lang)
    }
}

fn shades(t: &'static BrandingWords, color: BrandColor) -> Vec<Shade> {
    let text = text_on(color);
    let words = if text == WHITE { t.white } else { t.black };
    // Rounded down: no number claims more than there is.
    let ratio = |one, other| format!("{:.1}", (contrast(one, other) * 10.0).floor() / 10.0);
    let as_text = |ground: &Ground| {
        let accent = Palette::of(color, ground).accent;
        format!("{accent}, {}:1", ratio(accent, ground.card))
    };
    vec![
        Shade { place: t.on_buttons, text: fill(words, ratio(text, color)) },
        Shade { place: t.as_light, text: as_text(&LIGHT) },
        Shade { place: t.as_dark, text: as_text(&DARK) },
    ]
}

/// The names of the choices in the form, which are no settings.
const THEME: &str = "preview_theme";
const LANG: &str = "preview_lang";

/// How the preview is shown.
struct Look {
    theme: Theme,
    lang: Lang,
}

impl Look {
    fn of(params: &RawParams, otherwise: Lang) -> Look {
        let theme = Theme::ALL.into_iter().find(|theme| params.get(THEME) == Some(theme.as_str()));
        let lang = [Lang::En, Lang::Zh].into_iter().find(|lang| params.get(LANG) == Some(lang.tag()));
        Look { theme: theme.unwrap_or(Theme::Light), lang: lang.unwrap_or(otherwise) }
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    framing(page(&ask, Tab::Branding, Shown::default()).await)
}

/// POST of its card.
pub async fn save(ask: Ask) -> Answer {
    framing(save_card(&ask, Tab::Branding).await)
}

/// Lets the page have the preview in a frame.
fn framing(answer: Answer) -> Answer {
    Ok(respond::framing(answer?, std::iter::once(SAME_ORIGIN.to_owned())))
}

/// GET of the preview: what is stored.
pub async fn stored(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Branding).await?;
    Ok(preview(&ask, &frame.application, &Look::of(&ask.query, ask.lang)))
}

/// POST of the preview: what was typed, as far as it can be read; where it cannot, what is stored.
pub async fn typed(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Branding).await?;
    let mut application = Application::clone(&frame.application);
    let fields = || CARD.fields.iter();
    let read = |wrong: &[String]| {
        let good = fields().filter(|field| !wrong.iter().any(|key| key == field.key));
        good.fold(Edit::of("applications"), |edit, field| edit.set(field.key, &field.read(&ask.form)))
    };
    let named = |edit: Edit| edit.set("identifier", &application.identifier.as_str().into()).described();
    let described = named(read(&[])).or_else(|problems| {
        let wrong: Vec<String> = problems.into_iter().filter_map(|problem| problem.key).collect();
        named(read(&wrong))
    });
    let entry = described.ok().and_then(|description| description.applications.into_iter().next());
    entry.ok_or_else(missing)?.lay_over(&mut application);
    Ok(preview(&ask, &application, &Look::of(&ask.form, ask.lang)))
}

fn preview(ask: &Ask, application: &Application, look: &Look) -> Response {
    let pool = ask.edge.pool();
    let brand = Brand { preview: Some(look.theme), ..Brand::of(application, look.lang) };
    let page = LoginPage {
        lang: look.lang,
        app_name: &application.name,
        brand,
        methods: pool.map_or(LoginMethod::ALL, |pool| &pool.sign_in.login_methods),
        recovery: pool.is_some_and(forgot::is_offered),
        identifier: "",
        transaction: "",
        csrf: "",
        alert: None,
    };
    let policy = Policy { framed_by: Some(SAME_ORIGIN.to_owned()), ..Policy::default() };
    respond::page(StatusCode::OK, &page, &policy.showing(&brand))
}
