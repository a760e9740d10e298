//! Positions are read as they are written.

use super::Position;

#[test]
fn a_position_reads_back() {
    for (epoch, number) in [(0, 0), (0x0006_2f4d, 17), (u64::MAX, u64::MAX)] {
        let position = Position { epoch, number };
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    for wrong in ["", "-", "1", "x-1", "1-x", "1-2-3", "1--2"] {
        assert!(wrong.parse::<Position>().is_err(), "{wrong}");
    }
}
