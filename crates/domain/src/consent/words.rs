//! Stop words and start words, one row per language.
//!
//! A word belongs to one of three columns, judged for all languages at once, since we do not know in which one a guest
//! writes:
//!
//! - **stop**: means "no more messages", wherever it is said;
//! - **in reply**: means that only as an answer to a reminder or a review request, because it also means "cancel" (of a
//!   booking: `cancelar`, `iptal`, キャンセル), or is an ordinary answer of a hotel's guest (`para` is "for" in Spanish
//!   and Portuguese, `odjava` is "check-out" in Croatian, `बंद` is "closed", `baixa` is "low season");
//! - **start**: takes a stop back.
//!
//! Left out, because a guest says them for other reasons far more often: Finnish `seis` ("six" in Spanish and
//! Portuguese), Vietnamese `dừng` and `hủy` (without marks "correct" and the name Huy), Swahili `acha` ("good" in Hindi),
//! Turkish `çık` ("exit"), Croatian `prijava` and German `anmelden` ("check-in"), Spanish `alta` ("high"), "yes" and "no"
//! in any language.
//!
//! Where the words come from: the keywords that carriers and message services have to obey (AWS End User Messaging,
//! "Required opt-out keywords": ARRET, CANCEL, END, OPT-OUT, OPTOUT, QUIT, REMOVE, STOP, TD, UNSUBSCRIBE; Twilio,
//! "Advanced Opt-Out": also STOPALL, REVOKE; Telnyx: STOP ALL; Braze: START, UNSTOP), the lists that WhatsApp providers
//! publish (Sinch: parar, sair, detener, salir; Wati: detener; Aivo: desuscribir, baja, remover, descadastrar), the opt-out
//! words of public WhatsApp software (Arabic, Hebrew, Hindi, Indonesian, Malay, Spanish, Portuguese, German), and national
//! habits of text messages (RET in Turkey, UNREG in Indonesia, 退订 and TD in China, 수신거부 in Korea, הסר in Israel, لغو in
//! Iran, TC in Vietnam, ΔΙΑΓΡΑΦΗ in Greece). The rest are the plain words for "stop", "unsubscribe" and "subscribe".
//!
//! To add a word, write it as guests do, in the row of its language; [`super::fold()`] takes care of case, accents and
//! blanks. The tests refuse a word that two languages understand differently.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fold::fold;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Stop,
    /// A stop if it replies to a reminder or a review request.
    StopInReply,
    Start,
}

/// A language, and its words for stop, for stop in reply, and for start, parted by commas.
type Row = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const LANGUAGES: &[Row] = &[
    ("en", "stop, stop all, stop it, stop messages, stop messaging me, stop sending messages, stop texting me, stop this, stop reminders, stop marketing, stop ads, unsubscribe, unsubscribe me, unsubscribe all, unsub, opt out, opt me out, remove me, remove me from your list, no more messages, no more reminders, do not message me, don't message me, do not contact me, quit", "cancel, cancel subscription, end, remove, revoke, delete, enough", "start, unstop, subscribe, subscribe me, resubscribe, opt in, opt me in, resume messages"),
    ("es", "baja, darme de baja, dar de baja, darse de baja, dame de baja, detener, detener mensajes, parar, desuscribir, desuscribirme, desuscribirse, cancelar suscripción, no más mensajes, no enviar más, no me escriban más, no quiero recibir mensajes, no quiero más mensajes, salir de la lista", "cancelar, cancela, anular, para, pare, alto, salir, basta, terminar, eliminar", "iniciar, empezar, suscribir, suscribirme, suscribirse, darme de alta, reanudar mensajes"),
    ("pt", "parar, sair, sair da lista, descadastrar, descadastre, descadastrar-me, me descadastre, cancelar inscrição, cancelar subscrição, parar mensagens, não quero receber, não quero mais receber, não quero receber mensagens, não envie mais, chega de mensagens, remover-me", "cancelar, cancela, anular, para, pare, parem, remover, chega, baixa, desistir", "começar, inscrever, inscrever-me, me inscreva, quero receber, subscrever"),
    ("ca", "atura, aturar, donar-me de baixa, donar de baixa, no més missatges, cancel·lar la subscripció", "cancel·lar, anul·lar, prou, baixa", "començar, subscriure, subscriure'm"),
    ("gl", "deter, darme de baixa, non máis mensaxes", "cancelar, anular, baixa", "subscribirme, comezar"),
    ("fr", "arrêt, arrêter, arrêtez, arrête, stopper, stop pub, stop sms, désabonner, se désabonner, me désabonner, désabonnez-moi, désabonnement, désinscription, désinscrire, me désinscrire, désinscrivez-moi, plus de messages, plus de pub, ne plus recevoir", "annuler, annulation, résilier, supprimer, fin, assez", "commencer, démarrer, s'abonner, m'abonner, abonnez-moi, réabonner, s'inscrire"),
    ("it", "disiscrivimi, disiscriviti, disiscrivere, disiscrizione, cancellami, cancellami dalla lista, cancella iscrizione, annulla iscrizione, rimuovimi, fermati, fermare, interrompi, stop messaggi, basta messaggi, non voglio più messaggi, disattiva", "annulla, annullare, cancella, cancellare, basta, disdire, disdetta, rimuovi, fine", "inizia, iniziare, iscrivimi, iscriviti, riattiva"),
    ("ro", "oprește, opriți, dezabonare, dezabonează, dezabonează-mă, dezaboneaza-ma, fără mesaje", "anulează, anulare, oprire, renunță, gata, șterge", "începe, abonare, abonează-mă, porneste"),
    ("de", "stopp, stoppen, abmelden, abmeldung, austragen, newsletter abbestellen, nachrichten abbestellen, aufhören, keine nachrichten, keine nachrichten mehr, keine werbung, keine werbung mehr, keine erinnerungen mehr", "abbestellen, stornieren, storno, kündigen, kündigung, abbrechen, absagen, löschen, schluss, genug", "starten, abonnieren, wieder anmelden, wieder starten"),
    ("nl", "afmelden, afmelding, meld me af, uitschrijven, uitschrijving, schrijf me uit, stoppen, geen berichten, geen berichten meer, geen reclame", "annuleren, annuleer, opzeggen, verwijderen, genoeg, einde", "beginnen, abonneren, weer aanmelden"),
    ("af", "staak, teken uit, geen boodskappe", "kanselleer, kanselleren", "begin, teken in"),
    ("sv", "stoppa, sluta, avregistrera, avregistrera mig, avprenumerera, avsluta prenumeration, inga fler meddelanden, inga meddelanden", "avsluta, avbryt, avboka, avbeställ, ta bort", "starta, börja, prenumerera"),
    ("nb", "slutt, slutte, stans, avmeld, meld av, meld meg av, avregistrer, ingen flere meldinger", "avbryt, avbestill, avslutt, kanseller, annuller, fjern", "begynn, abonner, meld meg på"),
    ("da", "afmeld, frameld, afmeld mig, meld fra, ikke flere beskeder", "afbestil, annuller, annullér, afbryd, afslut, slet, ret", "abonnér, tilmeld mig"),
    ("is", "stöðva, afskrá, afskrá mig, afskráning, hættið", "hætta, hætta við, afpanta, afboka", "byrja, gerast áskrifandi"),
    ("fi", "lopeta, pysäytä, lopeta viestit, peruuta tilaus, ei enää viestejä, poista listalta", "peruuta, peru, poista, riittää", "aloita, tilaa viestit"),
    ("et", "lõpeta, peata, loobun, lõpeta tellimus, ei soovi sõnumeid", "tühista, katkesta, aitab", "alusta, telli sõnumid"),
    ("lv", "apturēt, apturi, atrakstīties, beigt sūtīt", "atcelt, atteikties, pietiek, beigt", "sākt, abonēt, pierakstīties ziņām"),
    ("lt", "sustabdyti, stabdyti, nesiųsti, nebesiųsti, atsisakyti prenumeratos", "atšaukti, atsisakyti, užteks, baigti", "pradėti, prenumeruoti"),
    ("pl", "wypisz, wypisz mnie, zatrzymaj, przestań, przestańcie, wyrejestruj, odsubskrybuj, koniec wiadomości, nie chcę wiadomości, nie wysyłać", "anuluj, anulować, rezygnuję, rezygnacja, odwołaj, usuń, koniec, dość", "rozpocznij, subskrybuj, zapisz mnie"),
    ("cs", "odhlásit, odhlásit se, odhlásit odběr, odhlaste mě, zastavit, přestaňte, neposílejte, už neposílat, žádné zprávy", "zrušit, zrušte, storno, konec, smazat, dost", "začít, odebírat, přihlásit odběr"),
    ("sk", "odhlásiť, odhlásiť sa, odhlásiť odber, odhláste ma, zastaviť, prestaňte, neposielajte, žiadne správy", "zrušiť, zrušte, storno, koniec, vymazať, dosť", "začať, odoberať, prihlásiť odber"),
    ("hu", "leiratkozás, leiratkozom, leiratkozni, állj, ne küldjön, ne küldjenek, nem kérek több üzenetet, nem kérek üzenetet", "mégse, lemondás, lemondom, lemond, törlés, elég, vége", "kezdés, feliratkozás, feliratkozom"),
    ("sl", "ustavi, ustavite, brez sporočil, nehajte", "odjava, odjavi me, prekliči, preklic, konec, dovolj", "začni, naroči me"),
    ("hr sr bs", "zaustavi, zaustavite, zaustavi poruke, ne šalji, ne šaljite, ne želim poruke, odjavi me s liste, заустави, не шаљи, не желим поруке", "odjava, odjavi, odjavi me, otkaži, otkazati, prekini, dosta, kraj, одјава, одјави, откажи, прекини, доста", "počni, pretplati me, pretplata, почни, претплати ме"),
    ("mk", "отпиши, отпиши ме, не праќај, сопри, запри", "откажи, прекини, доста, одјава", "започни, претплати ме"),
    ("bg", "спри, спрете, отписване, отпиши ме, без съобщения", "отказ, откажи, отмени, анулирай, край, стига", "старт, започни, абонирай ме, абониране"),
    ("ru", "стоп, остановить, остановите, отписаться, отписка, отпишите меня, отпиши, прекратить, прекратите, не присылать, не присылайте, не пишите, не беспокоить, отключить рассылку", "отмена, отменить, отмени, хватит, удалить, конец, отказ, отказаться", "старт, начать, подписаться, подписка, возобновить"),
    ("uk", "стоп, зупинити, зупиніть, відписатися, відписатись, відписка, відпишіть мене, припинити, припиніть, не надсилати, не надсилайте, не пишіть", "скасувати, скасування, відмінити, відмова, досить, видалити, кінець", "старт, почати, підписатися, підписатись"),
    ("be", "спыніць, адпісацца, адпіска, не дасылаць", "адмяніць, скасаваць, хопіць", "пачаць, падпісацца"),
    ("el", "στοπ, σταματήστε, σταμάτα, σταμάτημα, διαγραφή, διαγραφή από λίστα, απεγγραφή, κατάργηση εγγραφής, όχι άλλα μηνύματα, οχι μηνυματα", "ακύρωση, ακυρώστε, ακυρώνω, τέλος, φτάνει", "έναρξη, ξεκίνα, εγγραφή ξανά, συνδρομή"),
    ("sq", "ndalo, ndaloni, çregjistrohu, çabonohu, mos dërgoni", "anulo, anuloje, mjaft, fund", "fillo, abonohu"),
    ("tr", "durdur, durdurun, mesaj istemiyorum, mesaj gönderme, mesaj göndermeyin, abonelikten çık, aboneliği iptal et, listeden çıkar, üyelikten çık, reklam istemiyorum", "iptal, iptal et, dur, ret, red, yeter, vazgeç, sil", "başla, başlat, abone ol"),
    ("az", "dayandır, dayandırın, abunədən çıx, mesaj istəmirəm", "ləğv et, ləğv, bəsdir, dayan", "başlat, abunə ol"),
    ("kk", "тоқтату, тоқтат, тоқтатыңыз, жазылымнан бас тарту, хабарлама жібермеңіз", "бас тарту, болдырмау, жетеді", "бастау, жазылу"),
    ("ka", "სტოპ, შეაჩერე, შეაჩერეთ, შეჩერება, გამოწერის გაუქმება", "გაუქმება, გააუქმე, კმარა", "დაწყება, გამოწერა"),
    ("hy", "ստոպ, դադարեցնել, դադարեցրեք, կանգ, ապաբաժանորդագրվել, չուղարկել", "չեղարկել, բավական է", "սկսել, բաժանորդագրվել"),
    ("he", "הסר, הסרה, הסירו, להסיר, הסר אותי, הסירו אותי, עצור, עצרו, תפסיקו, להפסיק, ביטול הרשמה, די להודעות", "ביטול, בטל, לבטל, די, מספיק", "התחל, הפעל, הצטרפות לרשימה"),
    ("ar", "إيقاف, أوقف, أوقفوا, إيقاف الرسائل, توقف, توقفوا, قف, ستوب, إلغاء الاشتراك, الغي الاشتراك, لا أريد رسائل, لا ترسلوا, بدون رسائل", "إلغاء, الغي, ألغِ, كفى, يكفي, خلاص, حذف", "ابدأ, بدء, اشترك, اشتراك, إعادة الاشتراك"),
    ("fa", "توقف, لغو عضویت, لغو اشتراک, نفرستید, ارسال نکنید, پیام نفرستید", "لغو, کنسل, بس, حذف", "شروع, عضویت, اشتراک"),
    ("ur", "روکیں, روکو, پیغام نہ بھیجیں, ان سبسکرائب, سٹاپ", "منسوخ, منسوخ کریں, بند کریں, بند کرو, بس, ختم", "شروع کریں, سبسکرائب"),
    ("hi", "स्टॉप, रोकें, रोको, रुको, मत भेजो, मत भेजें, संदेश मत भेजो, अनसब्सक्राइब, सदस्यता समाप्त करें, message mat bhejo, mat bhejo, band karo messages", "रद्द, रद्द करें, बंद, बंद करो, बंद करें, बस, band karo, band kar do", "स्टार्ट, शुरू, शुरू करें, सदस्यता लें"),
    ("mr", "थांबवा, थांबा, पाठवू नका, संदेश नको", "रद्द करा, बंद करा, पुरे", "सुरू करा"),
    ("gu", "રોકો, સ્ટોપ, મોકલશો નહીં", "રદ કરો, બંધ કરો, બંધ, બસ", "શરૂ કરો"),
    ("bn", "স্টপ, থামুন, থামাও, আর পাঠাবেন না, মেসেজ পাঠাবেন না, আনসাবস্ক্রাইব", "বাতিল, বাতিল করুন, বন্ধ, বন্ধ করুন", "শুরু, শুরু করুন, সাবস্ক্রাইব"),
    ("ta", "நிறுத்து, நிறுத்துங்கள், நிறுத்தவும், அனுப்ப வேண்டாம்", "ரத்து, ரத்து செய், போதும்", "தொடங்கு, தொடங்கவும்"),
    ("te", "ఆపు, ఆపండి, పంపవద్దు", "రద్దు, రద్దు చేయండి, చాలు", "ప్రారంభించు, ప్రారంభించండి"),
    ("th", "หยุดส่ง, หยุดส่งข้อความ, ไม่รับข่าวสาร, ไม่ต้องการรับข้อความ, เลิกรับข่าวสาร, ยกเลิกการรับข่าวสาร, ยกเลิกการสมัคร, เลิกติดตาม, สต็อป", "ยกเลิก, หยุด, พอแล้ว", "เริ่ม, สมัครรับข่าวสาร"),
    ("vi", "dừng lại, ngừng, ngừng gửi, ngừng nhận tin, hủy đăng ký, không nhận tin, đừng gửi nữa, từ chối quảng cáo", "hủy bỏ, từ chối, tc", "bắt đầu, đăng ký nhận tin"),
    ("id", "berhenti, hentikan, unreg, berhenti berlangganan, berhenti langganan, jangan kirim, jangan kirim lagi, jangan hubungi saya", "batal, batalkan, cukup, hapus, keluar", "mulai, berlangganan"),
    ("ms", "henti, hentikan mesej, henti langganan, berhenti melanggan, nyahlanggan, jangan hantar, jangan hantar lagi, tak nak terima mesej, tak nak terima promosi", "batal, batalkan, cukup, tamat", "mula, langgan"),
    ("tl", "itigil, itigil na, tigil, ihinto, hinto, huwag nang magpadala, ayaw ko na ng mensahe", "kanselahin, ikansela, tama na, tapos", "simulan, magsimula"),
    ("zh", "退订, 退訂, 停止, 停止发送, 停止發送, 停止接收, 取消订阅, 取消訂閱, 拒收, 不要再发, 不要再發, 别再发了, 別再傳了, 不想再收到, td", "取消, 停, 终止, 終止, 够了, 夠了", "订阅, 訂閱, 开始, 開始, 恢复订阅, 恢復訂閱"),
    ("ja", "ストップ, すとっぷ, 停止, 配信停止, 配信を停止, 送信停止, 受信拒否, 登録解除, 配信解除, 購読解除, 退会, やめて, やめてください, もう送らないで, 送らないで", "キャンセル, 取消, 取り消し, 取消し, 中止, 解除, 解約, 終了", "スタート, 開始, 再開, 配信再開, 購読"),
    ("ko", "중지, 정지, 스톱, 스탑, 수신거부, 무료수신거부, 수신 중단, 구독취소, 구독 해지, 그만 보내, 그만 보내세요, 보내지 마세요", "취소, 해지, 그만, 중단, 종료", "시작, 구독, 수신동의, 구독하기"),
    ("sw", "simamisha, sitisha, komesha, jiondoe, acha kutuma, usitume", "ghairi, futa, katisha, inatosha", "anza, jiunge, jisajili tena"),
    ("am", "አቁም, አቁሙ, አትላኩ", "ሰርዝ, ይቅር, በቃ", "ጀምር"),
];

static MEANINGS: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| entries().collect());

/// The meaning of a folded message that is one of the words.
pub(super) fn meaning(folded: &str) -> Option<Meaning> {
    MEANINGS.get(folded).copied()
}

fn entries() -> impl Iterator<Item = (String, Meaning)> {
    LANGUAGES.iter().flat_map(|(_, stop, in_reply, start)| {
        let columns = [
            (*stop, Meaning::Stop),
            (*in_reply, Meaning::StopInReply),
            (*start, Meaning::Start),
        ];
        columns
            .into_iter()
            .flat_map(|(column, meaning)| column.split(',').map(move |word| (fold(word), meaning)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_meaning_and_is_not_empty_when_folded() {
        let mut known: HashMap<String, Meaning> = HashMap::new();
        let mut wrong = Vec::new();
        for (word, meaning) in entries() {
            let is_too_short = word.is_empty() || (word.is_ascii() && word.len() < 2);
            if is_too_short || *known.entry(word.clone()).or_insert(meaning) != meaning {
                wrong.push(word);
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    // shows: B43
    #[test]
    fn at_least_thirty_languages_have_words_for_stop_and_start() {
        let columns =
            |(_, stop, in_reply, start): &&Row| ![stop, in_reply, start].iter().any(|c| c.is_empty());
        assert!(LANGUAGES.iter().filter(columns).count() >= 30);
    }
}
