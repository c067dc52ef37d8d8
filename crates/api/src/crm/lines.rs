//! `productN_id` and its companions: what is bought.

use domain::placement::Problem;
use hub::ImportLine;

use super::reader::Reader;

/// Largest N of `productN_id`.
const LINES_MAX: usize = 50;
/// Most characters of an amount.
const AMOUNT_CHARS_MAX: usize = 20;
const PARTS: [&str; 4] = ["id", "qty", "price", "shipPrice"];

/// The lines of an import, in the order of their numbers, and those numbers: they may have gaps.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<ImportLine>,
    numbers: Vec<usize>,
}

/// N and the part of a parameter such as `product12_qty`.
fn split(name: &str) -> Option<(usize, &str)> {
    let (number, part) = name.strip_prefix("product")?.split_once('_')?;
    let is_number = number.bytes().all(|one| one.is_ascii_digit()) && !number.starts_with('0');
    let number = number.parse().ok().filter(|_| is_number)?;
    PARTS.contains(&part).then_some((number, part))
}

/// Whether a parameter belongs to a line.
pub(crate) fn is_line(name: &str) -> bool {
    split(name).is_some()
}

/// Reads all lines.
pub(crate) fn read(reader: &mut Reader<'_>) -> Lines {
    let mut numbers: Vec<usize> = reader.names().filter_map(split).map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut lines = Lines::default();
    for number in numbers {
        let name = |part: &str| format!("product{number}_{part}");
        let is_blank = PARTS.iter().all(|part| reader.raw(&name(part)).is_empty());
        if is_blank {
            continue;
        }
        if number > LINES_MAX {
            reader.refuse(name("id"), format!("an order has at most {LINES_MAX} products"));
            break;
        }
        if reader.raw(&name("id")).is_empty() {
            reader.refuse(name("id"), "is missing; the number of a campaign product");
        }
        // 0 where it is no number: no product has it, and the problem is told already.
        let product_number = reader.number(&name("id")).unwrap_or(0);
        let quantity = reader.whole_number(&name("qty"), i64::MIN, i64::MAX).unwrap_or(1);
        let mut amount =
            |part| Some(reader.text(&name(part), AMOUNT_CHARS_MAX)).filter(|text| !text.is_empty());
        let (price, shipping) = (amount("price"), amount("shipPrice"));
        lines.lines.push(ImportLine { product_number, quantity, price, shipping });
        lines.numbers.push(number);
    }
    lines
}

impl Lines {
    /// The hub counts lines from 1 without gaps: gives a problem the number that the caller used.
    pub(crate) fn renumber(&self, problem: Problem) -> Problem {
        let renamed = split(&problem.field).and_then(|(place, part)| {
            let number = self.numbers.get(place.checked_sub(1)?)?;
            Some(format!("product{number}_{part}"))
        });
        Problem { field: renamed.unwrap_or(problem.field), ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_named_by_its_number_and_part() {
        assert_eq!(split("product1_id"), Some((1, "id")));
        assert_eq!(split("product50_shipPrice"), Some((50, "shipPrice")));
        for name in ["product_id", "product01_id", "product1", "product1_sku", "productx_id", "product-1_id"]
        {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn a_problem_names_the_line_as_the_caller_did() {
        let lines = Lines { lines: Vec::new(), numbers: vec![2, 7] };
        let field = |field: &str| lines.renumber(Problem::new(field, "x")).field;
        assert_eq!(field("product2_qty"), "product7_qty");
        assert_eq!(field("product3_id"), "product3_id");
        assert_eq!(field("cardNumber"), "cardNumber");
    }
}
