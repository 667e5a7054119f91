# The same mapping in jq, for comparison.
{ "booking_new_status_booked": "reservation_confirmed",
  "booking_status_change_booked": "reservation_confirmed",
  "booking_status_change_declined": "reservation_cancelled" }[.action] as $type
| { type: $type,
    booking: {
      id: (.booking.id | tostring),
      check_in: .booking.date_arrival[0:10],
      check_out: .booking.date_departure[0:10],
      guests: ([.booking.room_types[].people] | add),
      room: ([.booking.room_types[0].name, .booking.property_name] | map(select(. != null and . != "")) | first),
      total: { amount: .booking_total_amount, currency: .booking_currency_code } },
    guest: {
      name: .guest.name,
      phone: .guest.phone_number,
      language: .booking.language,
      consent: (if .booking.source == "AirbnbIntegration" then false else null end) } }
| del(.. | nulls)
