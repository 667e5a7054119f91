# The same mapping in jq, for comparison.
{ type: { "new": "reservation_confirmed", "modified": "reservation_modified", "cancelled": "reservation_cancelled", "inquiry": "booking_started" }[.data.status],
  booking: {
    id: (.data.id | tostring),
    check_in: .data.arrivalDate,
    check_out: .data.departureDate,
    guests: .data.numberOfGuests,
    total: { amount: (.data.totalPrice | tostring), currency: .data.currency } },
  guest: {
    name: .data.guestName,
    phone: .data.phone,
    country: .data.guestCountry,
    language: .data.guestLocale,
    consent: (if .data.channelName == "airbnb" then false else null end) } }
| del(.. | nulls)
