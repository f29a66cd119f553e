use super::{Line, Messages, Phrase, ProblemText};

/// The texts in English.
pub const EN: Messages = Messages {
    error_prefix: "Error: ",
    footer: Phrase("Secured by {}"),

    login_title: "Sign in",
    login_lead: Phrase("to continue to {}"),
    login_identifier: "Username, email or phone",
    login_password: "Password",
    login_submit: "Sign in",
    login_promise: "Your password stays here. The application never sees it.",
    login_wrong: "That name and password do not match. Check both and try again.",
    login_throttled: Phrase("Too many attempts. Try again in {}."),
    login_busy: "We are very busy right now. Please try again in a moment.",
    login_again: "The application asks you to confirm that it is you. Please sign in again.",
    login_missing: "Enter both your name and your password.",
    login_too_long: "That is longer than any name or password can be. Check what you entered.",

    one_second: "1 second",
    seconds: Phrase("{} seconds"),
    one_minute: "1 minute",
    minutes: Phrase("{} minutes"),

    account_title: "Choose an account",
    account_lead: Phrase("to continue to {}"),
    account_continue: Phrase("Continue as {}"),
    account_another: "Use another account",
    account_another_detail: "Sign in with a different name",

    consent_title: "Allow access",
    consent_heading: Phrase("{} asks for access to your account"),
    consent_signed_in: "Signed in as",
    consent_lead: "If you allow it, the application can:",
    consent_trust: "Allow this only if you trust the application with it.",
    consent_allow: "Allow",
    consent_deny: "Deny",
    scope_openid: Line {
        title: "Know who you are",
        detail: "An identifier that stays the same each time you sign in",
    },
    scope_profile: Line {
        title: "See your profile",
        detail: "Name, nickname, picture, gender, birthday, language, time zone",
    },
    scope_email: Line { title: "See your email address", detail: "And whether it has been verified" },
    scope_phone: Line { title: "See your phone number", detail: "And whether it has been verified" },
    scope_address: Line {
        title: "See your postal address",
        detail: "Country, region, street and postal code",
    },
    scope_username: Line { title: "See your username", detail: "The name you sign in with" },
    scope_roles: Line { title: "See your roles", detail: "The roles your organization has given you" },
    scope_external_id: Line {
        title: "See your external ID",
        detail: "The identifier of your account in another system",
    },
    scope_extended_fields: Line {
        title: "See further details",
        detail: "Additional fields your organization keeps about you",
    },
    scope_offline: Line {
        title: "Keep access while you are away",
        detail: "Stay signed in and act for you when you are not using it",
    },

    error_status: Phrase("Error {}"),
    error_developer: "For the developer",
    error_code: "Code",
    error_detail: "Detail",
    error_reference: "Reference",
    bad_client: ProblemText {
        title: "This application cannot sign you in",
        message: "The link that brought you here names an application that is unknown to us or switched off. \
                  The mistake is in the application, not in anything you did.",
        hint: "Go back and try again. If it happens again, tell the people who run the application.",
    },
    bad_redirect_uri: ProblemText {
        title: "This application cannot sign you in",
        message: "The application asked us to send you to an address it has not registered, so we stopped to \
                  protect you. The mistake is in the application, not in anything you did.",
        hint: "Go back and try again. If it happens again, tell the people who run the application.",
    },
    bad_request: ProblemText {
        title: "We cannot read this request",
        message: "The application sent you here with a request that contains a mistake. It is nothing you did.",
        hint: "Go back and try again. If it happens again, tell the people who run the application.",
    },
    too_large: ProblemText {
        title: "That is too much at once",
        message: "The request is larger than we accept.",
        hint: "Go back and try again. If an application sent you here, tell the people who run it.",
    },
    too_slow: ProblemText {
        title: "That took too long",
        message: "What you sent did not reach us in time. Your connection may be slow.",
        hint: "Go back and send it again.",
    },
    unknown_host: ProblemText {
        title: "Nothing lives at this address",
        message: "This server answers here, but not under the host name you used.",
        hint: "Check the address for a typing mistake, or continue to the address below.",
    },
    not_found: ProblemText {
        title: "Page not found",
        message: "There is no page at this address.",
        hint: "Check the address, or go back to the application you came from.",
    },
    method_not_allowed: ProblemText {
        title: "This page cannot be opened that way",
        message: "The address exists, but it expects a different kind of request.",
        hint: "Go back to the application and start from there.",
    },
    transaction_expired: ProblemText {
        title: "This page has expired",
        message: "To protect your account, a sign-in has to be finished within a limited time.",
        hint: "Go back to the application and start signing in again.",
    },
    transaction_used: ProblemText {
        title: "This sign-in is already finished",
        message: "You have completed this page before, perhaps in another tab or before pressing Back.",
        hint: "Go back to the application. If you are not signed in there, start again from there.",
    },
    cookies_blocked: ProblemText {
        title: "Your browser is blocking cookies",
        message: "Signing in needs a cookie to recognize your browser, and none came back.",
        hint: "Allow cookies for this address, then go back to the application and start again.",
    },
    wrong_browser: ProblemText {
        title: "Please start again",
        message: "This form does not belong to a sign-in that was started in this browser, so we did not continue.",
        hint: "Go back to the application and sign in from there. If somebody sent you the link to this page, \
               do not enter your password on it.",
    },
    unavailable: ProblemText {
        title: "Back in a moment",
        message: "We cannot answer right now. Nothing is wrong with your account.",
        hint: "Wait a moment, then try again.",
    },
    server_error: ProblemText {
        title: "Something went wrong on our side",
        message: "It is nothing you did, and it has been recorded.",
        hint: "Try again. If it keeps happening, give the reference below to the people who run this service.",
    },
    bad_logout: ProblemText {
        title: "You have not been signed out",
        message: "The application asked to sign you out with a request that contains a mistake, so we changed nothing.",
        hint: "Go back and try again. If it happens again, tell the people who run the application.",
    },

    logout_title: "Sign out?",
    logout_lead: "You will need to sign in again to use the applications connected to this account.",
    logout_lead_app: Phrase("{} asks to sign you out. You will need to sign in again to continue using it."),
    logout_devices: "Also on all my other devices",
    logout_only: Phrase("Only from {}"),
    logout_submit: "Sign out",
    logout_stay: "Stay signed in",
    signing_out_title: "Signing you out",
    signing_out_lead: "We are telling the applications you have used. If nothing happens, press the button.",
    signing_out_continue: "Continue",
    signed_out_title: "You are signed out",
    signed_out_lead: "You can close this window now.",
    signed_out_back: "Go back",
    signed_out_back_app: Phrase("Back to {}"),

    form_post_title: "One moment",
    form_post_lead: "We are taking you back to the application. If nothing happens, press the button.",
    form_post_submit: "Continue",

    start_title: "A sign-in service",
    start_title_app: Phrase("Sign-in for {}"),
    start_lead: "Applications send people to this address to sign in.",
    start_hint: "To sign in, open the application you want to use and start from there.",
    start_developer: "For the developer",
    start_issuer: "Issuer",
    start_discovery: "Discovery document",
};
