// The outline of an arrow in a drawing, as SVG path data; nothing where it would be too short to see.

/** From (x1, y1) to (x2, y2) in pixels, with a head of `head` pixels, smaller where the arrow is short. */
function arrowPath(x1, y1, x2, y2, head = 8) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 0.5) return "";
  const size = Math.min(head, length * 0.6);
  const [along, aside] = [(x2 - x1) / length, (y2 - y1) / length];
  const wing = (side) => `${(x2 - size * along + side * size * 0.5 * aside).toFixed(2)} `
    + (y2 - size * aside - side * size * 0.5 * along).toFixed(2);
  const tip = `${x2.toFixed(2)} ${y2.toFixed(2)}`;
  return `M${x1.toFixed(2)} ${y1.toFixed(2)}L${tip}M${wing(1)}L${tip}L${wing(-1)}`;
}
