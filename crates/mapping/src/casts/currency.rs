//! Amounts in a currency's smallest unit.

/// How many decimals a currency has: ISO 4217, as payment platforms count them.
fn decimals(currency: &str) -> usize {
    match currency.to_ascii_uppercase().as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// `124000` in `EUR` is `1240.00`; `None` if it is no whole number.
pub(crate) fn from_minor_units(minor: &str, currency: &str) -> Option<String> {
    let (sign, digits) = match minor.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", minor),
    };
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = decimals(currency);
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at_checked(padded.len() - decimals)?;
    Some(match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_has_the_decimals_that_it_has() {
        let amount = |minor, currency| from_minor_units(minor, currency);
        assert_eq!(amount("124000", "EUR").as_deref(), Some("1240.00"));
        assert_eq!(amount("5", "usd").as_deref(), Some("0.05"));
        assert_eq!(amount("-5", "EUR").as_deref(), Some("-0.05"));
        assert_eq!(amount("124000", "JPY").as_deref(), Some("124000"));
        assert_eq!(amount("1240", "KWD").as_deref(), Some("1.240"));
        assert_eq!(amount("12.5", "EUR"), None);
        assert_eq!(amount("", "EUR"), None);
    }
}
