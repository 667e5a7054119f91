# The same mapping in jq, for comparison: checkouts.
def attribute($name): [.note_attributes[] | select(.name == $name) | .value] | first;
{ type: (if $header["x-shopify-topic"] == "checkouts/create" or $header["x-shopify-topic"] == "checkouts/update" then "booking_started" else null end),
  booking: {
    id: .token,
    resume_url: .abandoned_checkout_url,
    check_in: attribute("check_in"),
    check_out: attribute("check_out"),
    guests: (attribute("guests") | tonumber),
    room: .line_items[0].title,
    total: { amount: .total_price, currency: .currency } },
  guest: {
    name: ([.customer.first_name, .customer.last_name] | join(" ")),
    phone: ([.phone, .customer.phone, .shipping_address.phone, .billing_address.phone] | map(select(. != null)) | first),
    country: .shipping_address.country_code,
    consent: .buyer_accepts_marketing } }
