"use strict";
(() => {
  const PALE = 0.2; // how strongly a candidate that was not assigned is coloured
  const NARROWEST = 8, WIDEST = 40; // of a cell, in pixels
  const NAMED = 13; // from this width on, columns have names
  const EXPECTED = 1, UNSTABLE = 2; // bits of a disagreement

  /** Positions of an idset, `0-3,7`. */
  const decode = (text) => text === "" ? [] : text.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, number) => first + number);
  });

  const rgb = (text) => {
    const digits = text.trim().slice(1);
    return [0, 2, 4].map((start) => parseInt(digits.slice(start, start + 2), 16));
  };
  const mix = (over, under, share) => over.map((value, band) => Math.round(value * share + under[band] * (1 - share)));
  const css = (colour) => `rgb(${colour.join(" ")})`;
  const light = ([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue > 140;

  function heatMap(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const select = figure.querySelector("select");
    const grid = figure.querySelector(".grid");
    const wide = figure.querySelector(".wide");
    const canvas = figure.querySelector("canvas");
    const columns = figure.querySelector(".columns");
    const live = figure.querySelector(".live");
    const labels = figure.querySelectorAll(".rows li");
    const jobs = data.jobs.length, clusters = data.clusters.length;
    const scores = data.truth.map((truth) => {
      const row = new Float32Array(clusters);
      for (const [score, places] of Object.entries(truth)) for (const place of decode(places)) row[place] = Number(score);
      return row;
    });
    const reasons = data.reasons.map((found) => {
      const row = new Map();
      for (const [reason, places] of Object.entries(found)) for (const place of decode(places)) row.set(place, reason);
      return row;
    });
    const sets = data.sets.map((text) => {
      const row = new Uint8Array(clusters);
      for (const place of decode(text)) row[place] = 1;
      return row;
    });
    const dense = (pairs) => {
      const row = new Uint32Array(clusters);
      for (let next = 0; next < pairs.length; next += 2) row[pairs[next]] = pairs[next + 1];
      return row;
    };
    const counts = data.views.map((view) => view.assigned.map(dense));
    const errors = data.views.map((view) => view.errors.map(dense));
    const absent = data.views.map((view) => new Set(view.absent));
    const disagreements = data.views.map((view) => new Map(
      view.disagreements.map(([job, cluster, bits]) => [job * clusters + cluster, bits]),
    ));
    const most = counts.map((view) => view.reduce((top, row) => row.reduce((a, b) => Math.max(a, b), top), 1));
    let cell = NARROWEST, row = 22, at = null, pending = 0;

    const look = (view, job, cluster) => {
      const set = data.views[view].candidates[job];
      return {
        score: scores[job][cluster],
        reason: reasons[job].get(cluster),
        candidate: set === null ? null : sets[set][cluster] === 1,
        assigned: counts[view][job][cluster],
        failed: errors[view][job][cluster],
        disagreement: disagreements[view].get(job * clusters + cluster),
      };
    };

    function measure() {
      row = labels[0].getBoundingClientRect().height;
      cell = Math.min(WIDEST, Math.max(NARROWEST, grid.clientWidth / clusters));
      wide.style.width = `${cell * clusters}px`;
      if (cell >= NAMED && !columns.children.length) {
        columns.append(...data.clusters.map((name) => Object.assign(document.createElement("span"), { textContent: name })));
      }
      columns.hidden = cell < NAMED;
      labels[0].parentElement.style.marginTop = `${columns.offsetHeight}px`;
      ask();
    }

    /** Crossing lines on a colour. */
    function crossing(colour, line, size) {
      const tile = Object.assign(document.createElement("canvas"), { width: size, height: size });
      const context = tile.getContext("2d");
      context.fillStyle = css(colour);
      context.fillRect(0, 0, size, size);
      context.strokeStyle = css(line);
      context.lineWidth = Math.max(1, size / 6);
      context.beginPath();
      context.moveTo(0, 0);
      context.lineTo(size, size);
      context.moveTo(0, size);
      context.lineTo(size, 0);
      context.stroke();
      return context.createPattern(tile, "repeat");
    }

    const ask = () => { pending ||= requestAnimationFrame(draw); };

    /** Only the columns in sight are drawn: a canvas of all of them can be larger than a browser allows. */
    function draw() {
      pending = 0;
      const style = getComputedStyle(figure);
      const colour = (name) => rgb(style.getPropertyValue(`--${name}`));
      const [panel, ink, muted, line, accent] = ["panel", "ink", "muted", "grid", "accent"].map(colour);
      const hues = [colour("incorrect"), colour("compatible"), colour("correct")];
      const ratio = window.devicePixelRatio || 1;
      const first = Math.floor(grid.scrollLeft / cell);
      const last = Math.min(clusters, Math.ceil((grid.scrollLeft + grid.clientWidth) / cell));
      const width = Math.min(grid.clientWidth, cell * clusters), height = row * jobs;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const context = canvas.getContext("2d");
      const pixel = (value) => Math.round(value * ratio);
      const view = Number(select.value);
      context.textAlign = "center";
      context.textBaseline = "middle";
      const crossed = crossing(colour("error"), ink, pixel(6));
      context.font = `${Math.round(11 * ratio)}px system-ui, sans-serif`;
      for (let job = 0; job < jobs; job += 1) {
        if (absent[view].has(job) && !counts[view][job].some(Boolean)) continue;
        const top = pixel(job * row), tall = pixel((job + 1) * row) - top - 1;
        for (let cluster = first; cluster < last; cluster += 1) {
          const left = pixel(cluster * cell - grid.scrollLeft);
          const broad = pixel((cluster + 1) * cell - grid.scrollLeft) - left - 1;
          const { score, candidate, assigned, failed, disagreement } = look(view, job, cluster);
          const hue = hues[score >= 1 ? 2 : score > 0 ? 1 : 0];
          let fill = line;
          if (assigned) fill = mix(hue, panel, 0.45 + 0.55 * Math.sqrt(assigned / most[view]));
          else if (candidate) fill = mix(hue, panel, PALE);
          context.fillStyle = css(fill);
          context.fillRect(left, top, broad, tall);
          if (failed) {
            const share = Math.round(tall * Math.max(0.4, failed / assigned));
            context.fillStyle = crossed;
            context.fillRect(left, top + tall - share, broad, share);
          }
          const edge = Math.max(1, pixel(cell >= 12 ? 2 : 1));
          context.fillStyle = context.strokeStyle = css(ink);
          if (score > 0) {
            context.lineWidth = edge;
            context.setLineDash(score < 1 ? [edge * 1.5, edge] : []);
            context.strokeRect(left + edge / 2, top + edge / 2, broad - edge, tall - edge);
            context.setLineDash([]);
          }
          if (disagreement !== undefined) {
            const side = Math.min(broad, tall) * 0.5 + (score > 0 ? edge : 0);
            context.beginPath();
            context.moveTo(left, top);
            context.lineTo(left + side, top);
            context.lineTo(left, top + side);
            context.fill();
          }
          if (candidate === null && !assigned) {
            context.fillStyle = css(muted);
            context.fillRect(left + broad / 2 - edge / 2, top + tall / 2 - edge / 2, edge, edge);
          }
          if (assigned && candidate === false) {
            context.lineWidth = edge;
            context.beginPath();
            context.moveTo(left, top + tall);
            context.lineTo(left + broad, top);
            context.stroke();
          } else if (assigned && !failed && cell >= 14 && assigned < (cell >= 20 ? 1000 : 100)) {
            context.fillStyle = light(fill) ? "#000" : "#fff";
            context.fillText(String(assigned), left + broad / 2, top + tall / 2 + ratio);
          }
        }
      }
      if (at) {
        const edge = pixel(3);
        context.lineWidth = edge;
        context.strokeStyle = css(accent);
        const left = pixel(at.cluster * cell - grid.scrollLeft), top = pixel(at.job * row);
        context.strokeRect(left + edge / 2, top + edge / 2, pixel(cell) - edge, pixel(row) - edge);
      }
    }

    function tell() {
      if (!at) return;
      const view = Number(select.value);
      const { score, reason, candidate, assigned, failed, disagreement } = look(view, at.job, at.cluster);
      const role = absent[view].has(at.job) ? "the job takes no part" : candidate === null ? "candidates not known" : candidate ? "a candidate" : "no candidate";
      live.textContent = `${data.jobs[at.job]} on ${data.clusters[at.cluster]}: ` +
        `score ${+score.toFixed(4)}${reason ? ` (${reason})` : ""}, ${role}, ` +
        `assigned ${assigned} ${assigned === 1 ? "time" : "times"}` +
        (failed ? `; ${failed} of ${assigned} ${assigned === 1 ? "assignment" : "assignments"} ` +
          `${failed === 1 ? "is an error" : "are errors"}` : "") +
        (disagreement === undefined ? "" :
          `; the reference ${disagreement & EXPECTED ? "calls" : "does not call"} it a candidate` +
          (disagreement & UNSTABLE ? ", and the scheduler's answers differ" : ""));
    }

    function mark(here) {
      labels[at.job].classList.toggle("at", here);
      columns.children[at.cluster]?.classList.toggle("at", here);
    }

    function go(job, cluster) {
      if (at) mark(false);
      at = { job: Math.min(jobs - 1, Math.max(0, job)), cluster: Math.min(clusters - 1, Math.max(0, cluster)) };
      mark(true);
      tell();
      ask();
    }

    const MOVES = {
      ArrowUp: () => [at.job - 1, at.cluster], ArrowDown: () => [at.job + 1, at.cluster],
      ArrowLeft: () => [at.job, at.cluster - 1], ArrowRight: () => [at.job, at.cluster + 1],
      Home: () => [at.job, 0], End: () => [at.job, clusters - 1],
      PageUp: () => [0, at.cluster], PageDown: () => [jobs - 1, at.cluster],
    };
    grid.addEventListener("keydown", (event) => {
      if (!(event.key in MOVES) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(...(at ? MOVES[event.key]() : [0, 0]));
      const left = at.cluster * cell, right = left + cell;
      if (left < grid.scrollLeft) grid.scrollLeft = left;
      else if (right > grid.scrollLeft + grid.clientWidth) grid.scrollLeft = right - grid.clientWidth;
    });
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      const cluster = Math.floor((event.clientX - box.left + grid.scrollLeft) / cell);
      const job = Math.floor((event.clientY - box.top) / row);
      if (cluster < clusters && job >= 0 && job < jobs && !(at && at.job === job && at.cluster === cluster)) go(job, cluster);
    };
    grid.addEventListener("pointermove", point);
    grid.addEventListener("pointerdown", point);
    grid.addEventListener("scroll", ask, { passive: true });
    const choose = () => labels.forEach((label, job) => label.classList.toggle("absent", absent[select.value].has(job)));
    select.addEventListener("change", () => { choose(); tell(); ask(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ask);
    figure.hidden = false;
    choose();
    new ResizeObserver(measure).observe(grid);
  }

  function copyButton(command) {
    const button = command.querySelector("button"), text = command.querySelector("code");
    const said = command.querySelector("[role=status]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        said.textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(text);
        said.textContent = "Selected: copy it with the keyboard.";
      }
    });
  }

  document.querySelectorAll(".heat").forEach(heatMap);
  document.querySelectorAll(".command").forEach(copyButton);
})();
