//! What guests write and press, and what it means.

use super::*;

/// Messages that stop, whatever they reply to.
const STOPS: &str = r#"
STOP | stop. | STOP! |  Stop  | "Stop" | s t o p | ＳＴＯＰ | stop stop | 🛑 STOP 🙏 | Please stop!
Stop, thanks | STOP ALL | Unsubscribe | opt-out | OPT OUT | Remove me from your list! | Baja
Darme de baja, por favor | PARAR | SAIR | ARRET | Arrêt | arrêter svp | Désabonnez-moi | Abmelden
STOPP | Keine Werbung mehr! | afmelden | Disiscrivimi | Στοπ | ΔΙΑΓΡΑΦΗ | διαγραφή | СТОП
Отписаться | відписатися | Durdur | abonelikten çık | ABONELIKTEN CIK | הסר | إيقاف | ايقاف
إلغاء الاشتراك | لغو عضویت | रोको | หยุดส่งข้อความ | 退订 | 退訂 | TD | ｽﾄｯﾌﾟ | 配信停止 | 수신거부 | UNREG
berhenti
"#;

/// Messages that also mean "cancel", or something else that guests say.
const CANCELS: &str = r#"
Cancel | CANCEL please | cancelar | Cancelar. | anular | annuler | Annulla | stornieren | Storno
abbestellen | annuleren | avboka | afbestil | peruuta | anuluj | zrušit | lemondás | anulare
otkaži | Отмена | скасувати | Ακύρωση | İPTAL | iptal | IPTAL | ביטול | إلغاء | الغاء | لغو
रद्द करें | ยกเลิก | hủy bỏ | batal | 取消 | キャンセル | 취소 | para | Para! | Basta | dur | odjava | END
बंद
"#;

/// Messages that reverse a stop.
const STARTS: &str = r#"
START | start! | unstop | Subscribe | opt in | suscribirme | s'abonner | abonnieren | подписаться
старт | başla | ابدأ | 訂閱 | 再開 | 구독 | quero receber
"#;

/// Sentences and short answers of hotel guests, most of them with a stop word inside.
const OTHERS: &str = r#"
? | 🙂 | 👍 | ok | Yes | No | no thanks | Thanks! | please | When does the bus stop here?
please do not stop | Don't stop | non-stop | Is there a stop near the hotel? | bus stop
We will stop by at 10 | I want to cancel my booking | cancel breakfast please
Can I unsubscribe from the gym? | ¿Hay una parada de autobús? | para dos personas | ¿Es para mañana?
temporada baja | planta baja | alta | ¿Puedo cancelar la reserva? | no para de llover | parada
seis | Sim, para amanhã | é para 2 pessoas | Posso cancelar a reserva? | queremos sair às 10
baixa temporada | Où est l'arrêt de bus ? | arrêt de bus | Je voudrais annuler ma réservation
le prêt | Wo ist die Haltestelle? | Bitte Zimmer 12 stornieren
Kann ich mich an der Rezeption abmelden? | anmelden | Wir stoppen in München | Basta così, grazie
Vorrei annullare la prenotazione | Wanneer stopt de bus? | Πού είναι η στάση;
Θέλω να ακυρώσω την κράτηση | Где остановка автобуса? | Хочу отменить бронь | odjava u 10 | prijava
Kada je odjava? | Check-out | Otobüs durağı nerede? | Rezervasyonu iptal etmek istiyorum | çık
çıkış | đúng | Dung | Huy | acha | अच्छा | क्या पूल बंद है? | أريد إلغاء الحجز | توقف الحافلة أين
巴士站在哪里? | 我想取消预订 | 予約をキャンセルしたいです | バス停はどこですか | 예약을 취소하고 싶어요 | ขอยกเลิกการจอง | halte bus di mana?
mau batalkan pesanan | 6 | 12 | start of our stay is Monday | When does breakfast start? | STOPOVER
Stopford | td 12 | Pareja | Para-sol
"#;

fn messages(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .flat_map(|line| line.split(" | "))
        .filter(|text| !text.is_empty())
}

fn typed(text: &str, answers: RepliesTo) -> Option<ConsentChange> {
    let said = InboundText {
        text: Some(text),
        ..InboundText::default()
    };
    change_in(&said, answers)
}

fn pressed(label: &str, payload: &str) -> Option<ConsentChange> {
    let said = InboundText {
        text: None,
        label: Some(label),
        payload: Some(payload),
    };
    change_in(&said, RepliesTo::Other)
}

// shows: B43
#[test]
fn a_stop_word_stops_however_it_is_written() {
    for text in messages(STOPS) {
        for answers in [RepliesTo::Marketing, RepliesTo::Other] {
            assert_eq!(typed(text, answers), Some(ConsentChange::Stop), "{text}");
        }
    }
}

// shows: B44
#[test]
fn a_word_that_also_means_cancel_stops_only_in_reply_to_marketing() {
    for text in messages(CANCELS) {
        assert_eq!(
            typed(text, RepliesTo::Marketing),
            Some(ConsentChange::Stop),
            "{text}"
        );
        assert_eq!(typed(text, RepliesTo::Other), None, "{text}");
    }
}

#[test]
fn a_start_word_reverses_a_stop() {
    for text in messages(STARTS) {
        assert_eq!(
            typed(text, RepliesTo::Other),
            Some(ConsentChange::Start),
            "{text}"
        );
    }
}

// shows: B46
#[test]
fn other_messages_of_guests_change_nothing() {
    for text in messages(OTHERS).chain(["", " ", "\n"]) {
        for answers in [RepliesTo::Marketing, RepliesTo::Other] {
            assert_eq!(typed(text, answers), None, "{text}");
        }
    }
}

// shows: B45
#[test]
fn a_button_counts_by_its_label_and_by_its_payload() {
    for (label, payload) in [
        ("Stop promotions", "Stop promotions"),
        ("Stop promotions", "OPT_OUT"),
        ("STOP PROMOTIONS", "c81f"),
        ("No, thank you", "OPT_OUT"),
        ("Nein danke", "opt-out"),
        ("Nein danke", "stop_promotions"),
        ("Nein danke", "UNSUBSCRIBE"),
        ("Nein danke", "Stop promotions"),
        ("Detener promociones", "1"),
        ("Parar promoções", "1"),
        ("Parar promocoes", "1"),
        ("Interrompi promozioni", "1"),
        ("إيقاف العروض الترويجية", "1"),
        ("Promosyonları durdur", "1"),
        ("Abmelden", "1"),
        ("Stop", "START"),
    ] {
        assert_eq!(
            pressed(label, payload),
            Some(ConsentChange::Stop),
            "{label} {payload}"
        );
    }
    for payload in ["START", "opt_in", "SUBSCRIBE"] {
        assert_eq!(
            pressed("Ja, gern", payload),
            Some(ConsentChange::Start),
            "{payload}"
        );
    }
    for (label, payload) in [
        ("Cancel", "CANCEL"),
        ("Book now", "BOOK"),
        ("Yes", "Yes"),
        ("Bus stop", "MAP"),
        ("Cancelar", "Cancelar"),
    ] {
        assert_eq!(pressed(label, payload), None, "{label} {payload}");
    }
}

// shows: B44
#[test]
fn a_cancel_button_under_a_reminder_stops() {
    let said = InboundText {
        text: None,
        label: Some("Cancelar"),
        payload: Some("c81f"),
    };
    assert_eq!(change_in(&said, RepliesTo::Marketing), Some(ConsentChange::Stop));
}
