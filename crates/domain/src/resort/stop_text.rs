//! The built-in answers to a guest who opts out, for resorts without texts of their own.

const ENGLISH: &str =
    "You will get no more reminders from {resort.name}. We still write to you about your bookings.";

/// For a guest and a resort whose languages are not in the list.
pub(super) const LAST_RESORT: (&str, &str) = ("en", ENGLISH);

/// By language, without script and region.
const TEXTS: &[(&str, &str)] = &[
    (
        "ar",
        "لن تصلك أي رسائل تذكير أخرى من {resort.name}. سنواصل مراسلتك بشأن حجوزاتك.",
    ),
    (
        "bg",
        "Няма да получавате повече напомняния от {resort.name}. Ще Ви пишем само за Вашите резервации.",
    ),
    (
        "ca",
        "No rebrà més recordatoris de {resort.name}. Només li escriurem sobre les seves reserves.",
    ),
    (
        "cs",
        "Od {resort.name} už nedostanete žádné připomínky. Napíšeme vám jen o vašich rezervacích.",
    ),
    (
        "da",
        "Du får ikke flere påmindelser fra {resort.name}. Vi skriver stadig til dig om dine bookinger.",
    ),
    (
        "de",
        "Sie erhalten keine Erinnerungen mehr von {resort.name}. Zu Ihren Buchungen schreiben wir Ihnen weiterhin.",
    ),
    (
        "el",
        "Δεν θα λαμβάνετε άλλες υπενθυμίσεις από {resort.name}. Θα σας γράφουμε μόνο για τις κρατήσεις σας.",
    ),
    ("en", ENGLISH),
    (
        "es",
        "No recibirá más recordatorios de {resort.name}. Solo le escribiremos sobre sus reservas.",
    ),
    (
        "et",
        "Te ei saa enam meeldetuletusi: {resort.name}. Kirjutame teile vaid teie broneeringute asjus.",
    ),
    (
        "fi",
        "Et saa enää muistutuksia: {resort.name}. Kirjoitamme sinulle vain varauksistasi.",
    ),
    (
        "fr",
        "Vous ne recevrez plus de rappels de {resort.name}. Nous vous écrirons encore au sujet de vos réservations.",
    ),
    (
        "he",
        "לא תקבלו עוד תזכורות מאת {resort.name}. נמשיך לכתוב לכם רק בנוגע להזמנות שלכם.",
    ),
    (
        "hi",
        "अब आपको {resort.name} से कोई रिमाइंडर नहीं मिलेगा। हम आपको केवल आपकी बुकिंग के बारे में लिखेंगे।",
    ),
    (
        "hr",
        "Više nećete primati podsjetnike: {resort.name}. Pisat ćemo vam samo o vašim rezervacijama.",
    ),
    (
        "hu",
        "Nem küldünk több emlékeztetőt: {resort.name}. A foglalásaival kapcsolatban továbbra is írunk.",
    ),
    (
        "id",
        "Anda tidak akan menerima pengingat lagi dari {resort.name}. Kami hanya akan menulis tentang pemesanan Anda.",
    ),
    (
        "it",
        "Non riceverà più promemoria da {resort.name}. Le scriveremo solo per le sue prenotazioni.",
    ),
    (
        "ja",
        "{resort.name}からのリマインダーは今後お送りしません。ご予約に関するご連絡は引き続きお送りします。",
    ),
    (
        "ko",
        "{resort.name}에서 더 이상 알림을 보내지 않습니다. 예약에 관한 안내는 계속 보내 드립니다.",
    ),
    (
        "nb",
        "Du får ikke flere påminnelser fra {resort.name}. Vi skriver fortsatt til deg om bestillingene dine.",
    ),
    (
        "nl",
        "U krijgt geen herinneringen meer van {resort.name}. Over uw boekingen blijven we u schrijven.",
    ),
    (
        "no",
        "Du får ikke flere påminnelser fra {resort.name}. Vi skriver fortsatt til deg om bestillingene dine.",
    ),
    (
        "pl",
        "Nie wyślemy więcej przypomnień: {resort.name}. Będziemy pisać tylko w sprawie Pana/Pani rezerwacji.",
    ),
    (
        "pt",
        "Você não receberá mais lembretes de {resort.name}. Escreveremos apenas sobre as suas reservas.",
    ),
    (
        "ro",
        "Nu veți mai primi mementouri de la {resort.name}. Vă vom scrie doar despre rezervările dumneavoastră.",
    ),
    (
        "ru",
        "Вы больше не будете получать напоминания от {resort.name}. Мы будем писать только о ваших бронированиях.",
    ),
    (
        "sk",
        "Od {resort.name} už nedostanete žiadne pripomienky. Napíšeme vám len o vašich rezerváciách.",
    ),
    (
        "sl",
        "Opomnikov ne boste več prejemali: {resort.name}. Pisali vam bomo le o vaših rezervacijah.",
    ),
    (
        "sr",
        "Више нећете добијати подсетнике: {resort.name}. Писаћемо вам само о вашим резервацијама.",
    ),
    (
        "sv",
        "Du får inga fler påminnelser från {resort.name}. Vi skriver fortfarande till dig om dina bokningar.",
    ),
    (
        "th",
        "คุณจะไม่ได้รับการแจ้งเตือนจาก {resort.name} อีก เราจะส่งข้อความเฉพาะเรื่องการจองของคุณเท่านั้น",
    ),
    (
        "tr",
        "{resort.name} size artık hatırlatma göndermeyecek. Rezervasyonlarınız hakkında yazmaya devam edeceğiz.",
    ),
    (
        "uk",
        "Ви більше не отримуватимете нагадувань від {resort.name}. Ми писатимемо лише про ваші бронювання.",
    ),
    (
        "vi",
        "Bạn sẽ không nhận thêm lời nhắc nào từ {resort.name}. Chúng tôi chỉ nhắn về các đặt phòng của bạn.",
    ),
    (
        "zh",
        "您将不再收到{resort.name}的提醒。我们只会就您的预订与您联系。",
    ),
];

/// The answer in a language, where there is one.
pub(super) fn built_in(language: &str) -> Option<&'static str> {
    let found = TEXTS.iter().find(|(tag, _)| *tag == language);
    found.map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;
    use crate::resort::{Language, Value};

    #[test]
    fn every_built_in_answer_names_the_resort_and_each_language_has_one() {
        for (index, (tag, text)) in TEXTS.iter().enumerate() {
            assert!(Language::parse(tag).is_some(), "{tag}");
            assert_eq!(render::placeholders(text), Ok(vec![Value::ResortName]), "{tag}");
            assert!(
                TEXTS.iter().skip(index + 1).all(|(other, _)| other != tag),
                "{tag} twice"
            );
        }
    }
}
