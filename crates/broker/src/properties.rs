//! A message's properties: those that we set, and reading them back.

use domain::trace::TraceContext;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use uuid::Uuid;

/// RabbitMQ's header: how often it has delivered the message before; absent the first time.
pub(crate) const DELIVERY_COUNT: &str = "x-delivery-count";

/// Persistent, so that dead-lettered copies are too.
const PERSISTENT: u8 = 2;

pub(crate) fn of(message_id: &str, kind: &str, headers: FieldTable) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(short(message_id))
        .with_type(short(kind))
        .with_headers(headers)
}

/// The header that W3C has registered for AMQP under the name that it has in HTTP.
const TRACEPARENT: &str = "traceparent";

pub(crate) fn insert_trace(headers: &mut FieldTable, trace: TraceContext) {
    headers.insert(
        TRACEPARENT.into(),
        AMQPValue::LongString(trace.to_string().into()),
    );
}

pub(crate) fn message_id(properties: &BasicProperties) -> String {
    properties
        .message_id()
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

pub(crate) fn kind(properties: &BasicProperties) -> String {
    properties
        .kind()
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

pub(crate) fn text_header(properties: &BasicProperties, name: &str) -> Option<String> {
    match properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

pub(crate) fn number_header(properties: &BasicProperties, name: &str) -> Option<u32> {
    match *properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::ShortShortInt(n) => u32::try_from(n).ok(),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => u32::try_from(n).ok(),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => u32::try_from(n).ok(),
        AMQPValue::LongUInt(n) => Some(n),
        AMQPValue::LongLongInt(n) => u32::try_from(n).ok(),
        _ => None,
    }
}

/// AMQP's short texts have at most 255 bytes. A longer id becomes a UUID made of it, the same for the same id.
fn short(text: &str) -> ShortString {
    ShortString::try_new(text).unwrap_or_else(|_| {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())
            .to_string()
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_too_long_for_amqp_is_replaced_by_one_that_is_always_the_same() {
        let long = "ä".repeat(128);

        assert_eq!(short("evt_1").as_str(), "evt_1");
        assert_eq!(short(&long), short(&long));
        assert_eq!(short(&long).as_str().len(), 36);
    }
}
