//! The texts of traces.

use crate::console::words::words;

words! {
    /// The texts.
    TraceWords {
        title: "Why did it fail?", "为什么失败？";
        lead: "Every refused request leaves a trace for a week: the rule that refused, and what mends it.", "每个被拒绝的请求都会留下一周的记录：由哪条规则拒绝，以及如何修复。";
        tab_lead: "The newest requests that were refused, as they named this application. Whoever sends a request can name any: nothing in it is proven.", "最近被拒绝的、声称来自此应用的请求。请求方可以声称任何应用，其内容均未经证实。";
        reference: "Reference", "编号";
        reference_hint: "As the error page shows it, or the x-request-id of an answer.", "错误页显示的编号，或响应的 x-request-id。";
        look: "Look it up", "查询";
        unknown: "There is no trace of this reference", "没有此编号的记录";
        unknown_lead: "Traces are kept for a week, and of many failures at once not every one leaves a trace. Compare the letters: there is no I, L, O or U in a reference.", "记录保存一周；同时出现大量失败时并非每次都会留下记录。请核对字母：编号中没有 I、L、O、U。";
        newest: "Newest failures", "最近的失败";
        none: "No failure in the last week", "最近一周没有失败";
        none_lead: "Requests that are refused are listed here, with what mends them.", "被拒绝的请求会列在这里，并说明如何修复。";
        time: "Time", "时间";
        application: "Application", "应用";
        unknown_application: "not known", "未知";
        endpoint: "Request", "请求";
        check: "Refused by", "拒绝规则";
        told: "The client was told", "告知客户端";
        expected: "Expected", "期望";
        received: "Received", "实际";
        issuer: "Issuer", "发行方";
        request_id: "Request id", "请求 ID";
        parameters: "What was sent", "请求参数";
        parameters_lead: "Secrets, passwords and names are never kept; of codes and tokens only a fingerprint is.", "绝不保存密钥、密码和姓名；授权码和令牌仅保存指纹。";
        mend: "What mends it", "如何修复";
        no_fix: "Nothing in the settings: compare what was expected with what was received.", "与设置无关：请比对期望值与实际值。";
        prepare: "Prepare this change", "准备此变更";
        prepare_hint: "You see the difference before anything is saved.", "保存前会先显示差异。";
        beware: "Anybody can send such a request. Add the address only if you know that it is the application's own: whoever has it receives the codes of its users.", "任何人都可以发送这样的请求。仅当您确认该地址属于此应用时才添加：掌握该地址的人会收到其用户的授权码。";
        mend_client: "Better have the client mended; the settings become weaker by this.", "最好修正客户端；此更改会降低安全性。";
        masked: "Some of it is not shown: it may be another application's.", "部分内容未显示：可能属于其他应用。";
    }
}
