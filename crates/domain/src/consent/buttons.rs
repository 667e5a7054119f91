//! Buttons of templates that stop marketing, or allow it again.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::ConsentChange;
use super::fold::fold;

/// Payloads by which senders mark a stop button; WhatsApp sends them back unchanged. They are compared as [`fold`]
/// spells them, so `OPT_OUT` and `opt-out` equal `opt out`.
const STOP_PAYLOADS: &[&str] = &[
    "stop",
    "stop all",
    "stop promotions",
    "opt out",
    "marketing opt out",
    "unsubscribe",
];

const START_PAYLOADS: &[&str] = &["start", "unstop", "opt in", "marketing opt in", "subscribe"];

/// Labels of the button that Meta's template editor calls "marketing opt-out", by the language of the template, as
/// they were seen. Meta publishes no list, and a sender may change the label.
#[rustfmt::skip]
const SEEN_LABELS: &[(&str, &str)] = &[
    // The documentation of Braze ("Opt-ins and opt-outs" of WhatsApp) and of Kapso ("Marketing opt-outs").
    ("en", "Stop promotions"),
    // Footers and tests of several public programs: "¿No te interesa? Toca Detener promociones".
    ("es", "Detener promociones"),
    // Tests of the public Java client whatsapp-business-java-api; public programs of Brazilian senders.
    ("pt", "Parar promoções"),
    // An approved template in the sources of a public dashboard: "Non ti interessa? Tocca Interrompi promozioni".
    ("it", "Interrompi promozioni"),
    // A test of one public program, beside the payload "Stop promotions".
    ("ar", "إيقاف العروض الترويجية"),
    // One sender's public guide to its templates.
    ("nl", "Stop promoties"),
    // A test of one public program.
    ("ms", "Stop promosi"),
    ("ms", "Berhenti promosi"),
];

/// Our own translations, for languages in which we found no label. We have not verified what Meta writes there, but
/// such a label can mean nothing else.
#[rustfmt::skip]
const TRANSLATED_LABELS: &[(&str, &str)] = &[
    ("bg", "Спиране на промоциите"),
    ("ca", "Atura les promocions"),
    ("cs", "Zastavit propagace"),
    ("da", "Stop kampagner"),
    ("de", "Werbung stoppen"),
    ("de", "Werbeaktionen stoppen"),
    ("de", "Werbeaktionen beenden"),
    ("de", "Promotions stoppen"),
    ("el", "Διακοπή προωθήσεων"),
    ("fa", "توقف تبلیغات"),
    ("fi", "Lopeta kampanjat"),
    ("fr", "Arrêter les promotions"),
    ("fr", "Stopper les promotions"),
    ("he", "הפסקת מבצעים"),
    ("hi", "प्रचार बंद करें"),
    ("hr", "Zaustavi promocije"),
    ("hu", "Promóciók leállítása"),
    ("id", "Hentikan promosi"),
    ("ja", "プロモーションを停止"),
    ("ko", "프로모션 중지"),
    ("nb", "Stopp kampanjer"),
    ("nl", "Promoties stoppen"),
    ("pl", "Zatrzymaj promocje"),
    ("ro", "Oprește promoțiile"),
    ("ru", "Остановить рекламу"),
    ("ru", "Остановить акции"),
    ("sk", "Zastaviť propagáciu"),
    ("sv", "Stoppa kampanjer"),
    ("th", "หยุดโปรโมชัน"),
    ("tr", "Promosyonları durdur"),
    ("uk", "Зупинити рекламу"),
    ("vi", "Dừng khuyến mãi"),
    ("zh_CN", "停止促销"),
    ("zh_TW", "停止促銷"),
];

static STOP_LABELS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let labels = SEEN_LABELS.iter().chain(TRANSLATED_LABELS);
    labels.map(|(_, label)| fold(label)).collect()
});

/// Whether a folded text is the label of Meta's button. It also counts when a guest types it.
pub(super) fn is_stop_label(folded: &str) -> bool {
    STOP_LABELS.contains(folded)
}

/// What a folded payload asks for. Stop words do not count here: a payload `CANCEL` belongs to another
/// conversation.
pub(super) fn payload_change(folded: &str) -> Option<ConsentChange> {
    let is_one_of = |payloads: &[&str]| payloads.iter().any(|payload| fold(payload) == folded);
    if is_stop_label(folded) || is_one_of(STOP_PAYLOADS) {
        Some(ConsentChange::Stop)
    } else if is_one_of(START_PAYLOADS) {
        Some(ConsentChange::Start)
    } else {
        None
    }
}
