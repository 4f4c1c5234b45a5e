//! QR codes as PNG images.

use fast_qr::qr::QRBuilder;

/// Pixels a module.
const SCALE: usize = 8;
/// White modules around the code, as scanners want them.
const QUIET: usize = 4;

/// A text as the PNG image of its QR code: one bit a pixel.
pub fn png(text: &str) -> Vec<u8> {
    let code = QRBuilder::new(text).build().expect("an address is shorter than the largest code");
    let modules = code.size + 2 * QUIET;
    let side = modules * SCALE;
    let dark = |x: usize, y: usize| {
        let (x, y) = ((x / SCALE).wrapping_sub(QUIET), (y / SCALE).wrapping_sub(QUIET));
        x < code.size && y < code.size && code[y][x].value()
    };
    let mut pixels = vec![0xff_u8; side.div_ceil(8) * side];
    for y in 0..side {
        for x in (0..side).filter(|x| dark(*x, y)) {
            pixels[y * side.div_ceil(8) + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    encode(u32::try_from(side).expect("a code has at most 185 modules"), &pixels)
}

fn encode(side: u32, pixels: &[u8]) -> Vec<u8> {
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().expect("writing to memory does not fail");
    writer.write_image_data(pixels).expect("the pixels fill the image");
    writer.finish().expect("writing to memory does not fail");
    image
}

#[cfg(test)]
mod tests {
    #[test]
    fn draws_a_square_image() {
        let image = super::png("https://example.com/join/ABC123DEF");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&image)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.width % 8), (info.height, 0));
        assert!(pixels.contains(&0) && pixels[0] == 0xff, "dark inside, white at the edge");
    }
}
