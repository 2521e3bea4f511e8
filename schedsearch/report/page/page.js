"use strict";
(() => {
  // --- tables: a heading's button sorts by its column, the second time the other way round ---------------------
  const collator = new Intl.Collator(undefined, { numeric: true });
  const opposite = { ascending: "descending", descending: "ascending" };

  function valueOf(cell, numeric) {
    if ("value" in cell.dataset) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return numeric || text === "" || text === "–" ? null : text;
  }

  function compare(one, other, order) {
    if (one === null || other === null) return (one === null) - (other === null); // what is missing comes last
    const difference = typeof one === "number" && typeof other === "number" ? one - other : collator.compare(one, other);
    return order === "ascending" ? difference : -difference;
  }

  function sortBy(table, heading) {
    const before = heading.getAttribute("aria-sort");
    const order = opposite[before] ?? heading.dataset.first;
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", order);
    const numeric = heading.classList.contains("number");
    const key = (row) => valueOf(row.cells[heading.cellIndex], numeric);
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b), order)));
  }

  for (const table of document.querySelectorAll("table.sortable"))
    for (const heading of table.tHead.rows[0].cells)
      heading.querySelector("button").addEventListener("click", () => sortBy(table, heading));

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => (each.open = true)));

  const section = document.getElementById("listening");
  if (section) listen(section);

  // --- players: one plays at a time, and the position is the clip's, whatever system plays ---------------------
  function listen(section) {
    const find = (selector) => section.querySelector(selector);
    const table = find("table.listening");
    const headings = [...table.querySelectorAll("th.system")];
    const rows = [...table.tBodies[0].rows].map((element) => ({
      element,
      clip: element.querySelector(".clip").textContent,
      cells: [...element.cells].slice(1).map(cellOf),
      position: 0,
    }));
    for (const row of rows) for (const cell of row.cells) cell.row = row;
    const [play, position, time, loop] = [".play", ".position", ".time", ".loop"].map(find);
    let active = null; // the one that has the focus, or had it last
    let playing = null;

    function cellOf(element) {
      const audio = element.querySelector("audio");
      const cell = { element, audio, label: element.querySelector(".label"), gain: element.querySelector(".gain") };
      if (!audio) return cell;
      audio.removeAttribute("controls");
      cell.button = document.createElement("button");
      cell.button.type = "button";
      cell.button.className = "player";
      cell.button.tabIndex = -1;
      cell.button.setAttribute("aria-pressed", "false");
      audio.after(cell.button);
      cell.button.addEventListener("click", () => toggle(cell));
      cell.button.addEventListener("focus", () => activate(cell));
      cell.button.addEventListener("keydown", (event) => onKey(event, cell));
      audio.addEventListener("timeupdate", () => cell === playing && showTime());
      audio.addEventListener("loadedmetadata", () => cell === active && showTime());
      audio.addEventListener("ended", () => cell === playing && ended());
      audio.addEventListener("error", () => {
        cell.button.disabled = true;
        cell.button.title = "This browser can't play FLAC.";
      });
      return cell;
    }

    function activate(cell) {
      if (active) active.button.tabIndex = -1;
      active = cell;
      cell.button.tabIndex = 0;
      showTime();
    }

    function start(cell) {
      stop();
      activate(cell);
      playing = cell;
      const at = cell.row.position;
      cell.audio.loop = loop.checked;
      cell.audio.currentTime = at < cell.audio.duration - 0.03 || isNaN(cell.audio.duration) ? at : 0;
      cell.audio.play().catch(() => cell === playing && stop()); // stopped before it began, or not playable
      showPlaying();
    }

    function stop() {
      if (!playing) return;
      playing.row.position = playing.audio.currentTime;
      playing.audio.pause();
      playing = null;
      showPlaying();
    }

    function toggle(cell) {
      if (cell === playing) stop();
      else start(cell);
    }

    function ended() {
      const { row } = playing;
      stop();
      row.position = 0;
      showTime();
    }

    function showPlaying() {
      for (const row of rows)
        for (const cell of row.cells) if (cell.button) cell.button.setAttribute("aria-pressed", String(cell === playing));
      play.setAttribute("aria-pressed", String(playing !== null));
      play.textContent = playing ? "Stop" : "Play";
      showTime();
    }

    function showTime() {
      if (!active) return;
      const at = active === playing ? active.audio.currentTime : active.row.position;
      position.max = active.audio.duration || 1;
      position.value = at;
      time.textContent = `${at.toFixed(1)} of ${(active.audio.duration || 0).toFixed(1)} s`;
      position.setAttribute("aria-valuetext", time.textContent);
    }

    // --- keyboard ------------------------------------------------------------------------------------------------
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

    function onKey(event, cell) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Escape") return stop();
      const aim = target(event.key, cell);
      if (aim === undefined) return;
      event.preventDefault();
      if (aim === cell) return;
      if (playing) start(aim);
      aim.button.focus();
    }

    // undefined: not a key of ours; cells without audio are passed over, and at an end it stays.
    function target(key, cell) {
      const withAudio = cell.row.cells.filter((each) => each.button);
      if (key === "Home") return withAudio[0];
      if (key === "End") return withAudio.at(-1);
      if (!(key in moves)) return undefined;
      const [down, right] = moves[key];
      let r = rows.indexOf(cell.row);
      let c = cell.row.cells.indexOf(cell);
      do [r, c] = [r + down, c + right];
      while (rows[r]?.cells[c] && !rows[r].cells[c].button);
      return rows[r]?.cells[c] ?? cell;
    }

    play.addEventListener("click", () => toggle(active));
    loop.addEventListener("change", () => playing && (playing.audio.loop = loop.checked));
    position.addEventListener("input", () => {
      active.row.position = Number(position.value);
      if (playing === active) active.audio.currentTime = active.row.position;
      showTime();
    });

    // --- blind test: who is who is known to these variables alone until it is revealed ---------------------------
    const named = rows.map((row) => row.cells);
    const names = headings.map((heading) => heading.textContent);
    const gains = named.map((cells) => cells.map((cell) => cell.gain.textContent));
    const [blind, reveal, tally, blindHint] = [".blind", ".reveal", ".tally", ".blind-hint"].map(find);
    const letter = (c) => (c === 0 ? names[0] : String.fromCharCode(64 + c)); // the reference stays itself
    let testing = false;

    function below(n) { // uniform: values past the last whole multiple of n are drawn again
      const limit = 2 ** 32 - (2 ** 32 % n);
      let drawn;
      do [drawn] = crypto.getRandomValues(new Uint32Array(1));
      while (drawn >= limit);
      return drawn % n;
    }

    function shuffled(cells) {
      const found = [...cells];
      for (let i = found.length - 1; i > 1; i--) { // 0, the reference, stays
        const j = 1 + below(i);
        [found[i], found[j]] = [found[j], found[i]];
      }
      return found;
    }

    // cells -> their places, and what each is called there
    function arrange(row, cells, nameOf, gainOf) {
      row.cells = cells;
      row.position = 0;
      cells.forEach((cell, c) => {
        row.element.append(cell.element);
        cell.label.textContent = nameOf(c);
        cell.gain.textContent = gainOf(c);
        cell.button?.setAttribute("aria-label", `${nameOf(c)}: ${row.clip}`);
      });
    }

    function begin() {
      stop();
      testing = true;
      rows.forEach((row, r) => {
        arrange(row, shuffled(named[r]), letter, (c) => (row.cells[c].button ? "" : "no audio"));
        row.element.append(pickOf(row, r));
      });
      headings.forEach((heading, c) => (heading.textContent = letter(c)));
      headings.at(-1).after(pickHeading());
      tally.replaceChildren();
      showTest();
    }

    function end() {
      stop();
      testing = false;
      section.querySelectorAll(".pick").forEach((each) => each.remove());
      rows.forEach((row, r) => arrange(row, named[r], (c) => names[c], (c) => gains[r][c]));
      headings.forEach((heading, c) => (heading.textContent = names[c]));
      tally.replaceChildren();
      showTest();
    }

    function pickHeading() {
      const heading = made("th", "pick", "Best");
      heading.scope = "col";
      heading.setAttribute("role", "columnheader");
      return heading;
    }

    function pickOf(row, r) {
      const cell = made("td", "pick");
      cell.setAttribute("role", "gridcell");
      const group = made("fieldset");
      group.append(made("legend", "", `Best of ${row.clip}`));
      const choices = row.cells.map((each, c) => (c > 0 && each.button ? c : null)).filter((c) => c !== null);
      for (const c of [...choices, null]) {
        const label = made("label");
        const choice = made("input");
        Object.assign(choice, { type: "radio", name: `pick ${r}`, value: c === null ? "none" : String(c) });
        label.append(choice, c === null ? " no preference" : ` ${letter(c)}`);
        group.append(label);
      }
      cell.append(group);
      return cell;
    }

    function showTest() {
      blind.textContent = testing ? "End blind test" : "Begin blind test";
      reveal.hidden = blindHint.hidden = !testing;
      reveal.disabled = false;
      section.classList.remove("revealed");
      activate(rows[0].cells.find((cell) => cell.button));
    }

    function revealed() {
      reveal.disabled = true;
      section.classList.add("revealed");
      const counts = names.map(() => 0);
      let [undecided, unjudged] = [0, 0];
      rows.forEach((row, r) => {
        const system = row.cells.map((cell) => named[r].indexOf(cell));
        const picked = row.element.querySelector("input:checked")?.value;
        if (picked === undefined) unjudged += 1;
        else if (picked === "none") undecided += 1;
        else counts[system[Number(picked)]] += 1;
        row.element.querySelectorAll("input").forEach((input) => (input.disabled = true));
        row.cells.forEach((cell, c) => {
          if (c > 0) cell.label.textContent = `${letter(c)}: ${names[system[c]]}`;
          cell.gain.textContent = gains[r][system[c]];
          cell.button?.setAttribute("aria-label", `${cell.label.textContent}: ${row.clip}`);
        });
      });
      showTally(counts, undecided, unjudged);
    }

    function showTally(counts, undecided, unjudged) {
      const list = made("ul");
      counts.forEach((count, s) => s > 0 && list.append(made("li", "", `${names[s]}: ${clips(count)}`)));
      list.append(made("li", "", `no preference: ${clips(undecided)}`), made("li", "", `not judged: ${clips(unjudged)}`));
      const [searched, baseline] = [counts[1], counts[2]];
      const n = searched + baseline;
      const told = n
        ? `Of the ${clips(n)} where one of these two was picked, the searched schedule was picked in ${searched}: ` +
          `two-sided sign test p = ${signTest(searched, n).toFixed(3)}. One listener and few clips settle little.`
        : "Neither the searched schedule nor the baseline was picked: nothing to test.";
      tally.replaceChildren(made("h3", "", "Your picks"), list, made("p", "", told));
    }

    function clips(count) {
      return `${count} ${count === 1 ? "clip" : "clips"}`;
    }

    // P(a split of n fair coins at least as uneven as k to n - k)
    function signTest(k, n) {
      const tail = Math.min(k, n - k);
      let [term, sum] = [0.5 ** n, 0];
      for (let i = 0; i <= tail; i++) {
        sum += term;
        term *= (n - i) / (i + 1);
      }
      return Math.min(1, 2 * sum);
    }

    function made(name, className = "", text = "") {
      const element = document.createElement(name);
      if (className) element.className = className;
      if (text) element.textContent = text;
      return element;
    }

    blind.addEventListener("click", () => (testing ? end() : begin()));
    reveal.addEventListener("click", revealed);
    find(".transport").hidden = false;
    section.classList.add("ready");
    end(); // names and places as they stand
  }
})();
