# The same mapping in jq, for comparison. jq knows no time zones: Vancouver is eight hours behind UTC on these days.
def day: tonumber - 8 * 3600 | strftime("%Y-%m-%d");
{ "HOLD": "booking_started", "PEND": "booking_started", "PAID": "reservation_confirmed", "PART": "reservation_confirmed",
  "STOP": "reservation_cancelled", "VOID": "reservation_cancelled" }[.booking.status] as $type
| { type: $type,
    booking: {
      id: .booking.code,
      check_in: (.booking.start_date | day),
      check_out: (.booking.end_date | day),
      total: { amount: .booking.order.total, currency: .booking.order["@attributes"].currency_id } },
    guest: {
      name: .booking.customer.name,
      phone: .booking.customer.phone,
      country: .booking.customer.country } }
