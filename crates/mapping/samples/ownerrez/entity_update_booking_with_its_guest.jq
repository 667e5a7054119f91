# The same mapping in jq, for comparison. It reads the body and not the answer, so it gives no phone; and no amount, since jq 1.6 writes 830.0 as 830.
{ type: (if .entity_type == "booking" and (.entity.is_block | not) then { "active": "reservation_confirmed", "canceled": "reservation_cancelled" }[.entity.status] else null end),
  booking: {
    id: (.entity_id | tostring),
    check_in: .entity.arrival,
    check_out: .entity.departure,
    guests: (.entity.adults + .entity.children),
    room: .entity.property.name,
    total: { currency: .entity.currency_code } },
  guest: {
    name: ([.entity.guest.first_name, .entity.guest.last_name] | join(" ")),
    consent: (if .entity.listing_site == "Airbnb" then false else null end) } }
| del(.. | nulls)
