// Play, pause, step and start again, for explorers in which something moves by itself.

/**
 * `step()` moves it once and returns whether it can go on; `restart()` puts it back to its start. `rate` is in steps a
 * second. Nothing plays before the reader says so. Where a reader asks for less motion, "play" shows the end at once
 * (at most `most` steps on). `single()` is what "step" does where playing makes several steps at once; `begin()` is
 * called whenever playing begins. Returns { node, pause }.
 */
function player({ step, single = step, restart, rate = 30, most = 5000, labels = {}, begin = () => {} }) {
  const words = { play: "play", pause: "pause", step: "step", restart: "start again", ...labels };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let frame = 0, last = 0;
  const pause = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    show();
  };
  const advance = (time) => {
    const due = Math.floor(((time - last) / 1000) * rate);
    let going = true;
    // After a pause in the background there are many steps due: the reader wants to see them, not to have missed them.
    for (let n = 0; n < Math.min(due, 5) && going; n++) going = step();
    if (due > 0) last = time;
    if (going) frame = requestAnimationFrame(advance);
    else pause();
  };
  const play = () => {
    if (frame) return pause();
    begin();
    if (calm.matches) {
      for (let n = 0; n < most && step(); n++);
      return show();
    }
    last = performance.now();
    frame = requestAnimationFrame(advance);
    show();
  };
  const toggle = button(words.play, play, { class: "play", "aria-pressed": "false" });
  const show = () => {
    toggle.textContent = frame ? words.pause : words.play;
    toggle.setAttribute("aria-pressed", String(frame !== 0));
  };
  const node = html("div", { class: "player", role: "group", "aria-label": "animation" }, toggle,
    button(words.step, () => { pause(); single(); }), button(words.restart, () => { pause(); restart(); }));
  return { node, pause };
}
