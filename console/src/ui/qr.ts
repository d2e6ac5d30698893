// A QR code as the path of an SVG, made in the page: its text is a secret and goes nowhere.
import qrcode from 'qrcode-generator';

const MARGIN = 2;

export function qrPath(text: string): { picture: string; size: number } {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  let picture = '';
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) picture += `M${column + MARGIN} ${row + MARGIN}h1v1h-1z`;
  return { picture, size: count + 2 * MARGIN };
}
