# The same mapping in jq, for comparison: orders.
{ type: { "orders/create": "reservation_confirmed", "orders/cancelled": "reservation_cancelled" }[$header["x-shopify-topic"]],
  booking: {
    # jq 1.6 reads numbers as doubles, so the order's id is taken from its address in GraphQL.
    id: (.admin_graphql_api_id | split("/") | last),
    cart_id: .checkout_token,
    room: .line_items[0].title,
    total: { amount: .total_price, currency: .currency } },
  guest: {
    name: ([.customer.first_name, .customer.last_name] | join(" ")),
    phone: ([.phone, .customer.phone, .shipping_address.phone, .billing_address.phone] | map(select(. != null)) | first),
    country: .shipping_address.country_code,
    language: .customer_locale,
    consent: .buyer_accepts_marketing } }
| del(.. | nulls)
