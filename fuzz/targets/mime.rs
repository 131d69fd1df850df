//! Any octets as a MIME entity: nothing panics, and what is made 7-bit is
//! 7-bit, and stays as it is the second time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smime::budget::Budget;
use smime::mime::{self, Entity, address, canonical};

fuzz_target!(|data: &[u8]| {
    let _ = mime::check_line_ends(data);
    let mut budget = Budget::for_message(data.len());
    let Ok(entity) = Entity::parse(data, &mut budget) else { return };
    assert_eq!(entity.raw(), data);
    walk(&entity, &mut budget, 0);
    let _ = address::author(entity.header());
    for name in ["To", "Cc", "Bcc"] {
        let _ = address::addresses_in(entity.header(), name);
    }
    let taken = canonical::take_entity(&entity);
    let mut budget = Budget::for_message(taken.len());
    let Ok(taken) = Entity::parse(&taken, &mut budget) else { panic!("the entity of a message is an entity") };
    if let Ok(seven_bit) = canonical::seven_bit(&taken, &mut budget) {
        let mut budget = Budget::for_message(seven_bit.len());
        let again = Entity::parse(&seven_bit, &mut budget).expect("what was made 7-bit is an entity");
        let same = canonical::seven_bit(&again, &mut budget).expect("and can be made so again");
        assert_eq!(same, seven_bit);
        if canonical::is_seven_bit(taken.raw()) {
            assert_eq!(seven_bit, taken.raw(), "what is 7-bit is not touched");
        }
    }
});

fn walk(entity: &Entity<'_>, budget: &mut Budget, depth: u32) {
    let _ = entity.content_type();
    let _ = entity.disposition();
    let _ = entity.file_names();
    let _ = entity.transfer_encoding();
    let _ = entity.decoded_body(budget);
    for field in entity.header().fields() {
        let _ = (field.name(), field.value(), field.unfolded());
    }
    if depth > Budget::MIME_DEPTH {
        return;
    }
    let Ok(multipart) = entity.multipart(budget) else { return };
    for part in multipart.parts {
        if let Ok(part) = Entity::parse(part, budget) {
            walk(&part, budget, depth + 1);
        }
    }
}
