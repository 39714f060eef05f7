/** Numbers, times and states as people read them. Pure functions. */

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with thousands separated: 1,000,000. */
export const count = (value) =>
  Number.isFinite(value) ? GROUPED.format(Math.round(value)) : "–";

/**
 * A number to `digits` significant digits, grouped, never in a wall of zeros.
 * @param {?number} value
 */
export function number(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) {
    return value.toExponential(digits - 1).replace("e+", "e");
  }
  return new Intl.NumberFormat("en-US", {
    maximumSignificantDigits: Math.max(digits, size >= 1 ? Math.floor(Math.log10(size)) + 1 : 0),
  }).format(value);
}

const SCALES = [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]];

/** A number with a letter for thousands and more, where zeros would have no room: 358.4 M. */
export function compact(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const [scale, letter] = SCALES.find(([least]) => size >= least) ?? [1, ""];
  return `${number(Number((value / scale).toPrecision(digits)), digits)}${letter}`;
}

/**
 * Numbers below each other, with as many decimals as give `like` its `digits`.
 * @returns {(value: number) => string} what rounds to 0 and is not has digits of its own
 */
export function aligned(like, digits = 5) {
  const size = Math.abs(like);
  const decimals = size > 0 && Number.isFinite(size) ? Math.min(Math.max(digits - 1 - Math.floor(Math.log10(size)), 0), 12) : digits;
  const words = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return (value) => {
    if (!Number.isFinite(value)) return "–";
    return value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals ? number(value, 2) : words.format(value);
  };
}

/** What stands in a field for a number: all its digits up to ten, grouped. */
export function editable(value) {
  const rounded = Number(value.toPrecision(10));
  const size = Math.abs(rounded);
  if (size !== 0 && (size < 1e-6 || size >= 1e15)) return String(rounded);
  return new Intl.NumberFormat("en-US", { maximumSignificantDigits: 10 }).format(rounded);
}

/**
 * The number someone typed, or NaN. A comma is taken for thousands only where it can be
 * nothing else: `0,05` is refused, not read as 5.
 */
export function parse(text) {
  const bare = text.trim().replace(/[\s_\u00a0\u202f]/g, "").replace("\u2212", "-");
  if (bare === "") return NaN;
  if (!bare.includes(",")) return Number(bare);
  return /^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(bare) ? Number(bare.replaceAll(",", "")) : NaN;
}

/** 0.4213 -> 42 %. */
export const percent = (share, digits = 0) =>
  Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : "–";

/** A rate with a short unit: 1.2 M/s. */
export function rate(perSecond) {
  if (!Number.isFinite(perSecond) || perSecond <= 0) return "";
  const steps = [[1e9, " G"], [1e6, " M"], [1e3, " k"]];
  const [scale, unit] = steps.find(([size]) => perSecond >= size) ?? [1, " "];
  return `${number(perSecond / scale, 3)}${unit}/s`;
}

/** Seconds as 4 s, 2 min 05 s, 1 h 12 min. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** A moment: the time today, the date with it before. */
export function moment(iso) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return "";
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const today = then.toDateString() === new Date().toDateString();
  return today ? time : `${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

const ANALYSES = {
  "sensitivity.monte_carlo": "Monte Carlo",
  "sensitivity.analyze": "Sensitivity",
  "sensitivity.optimize": "Optimisation",
  "sensitivity.surface": "Response surface",
  "sensitivity.fit": "Fit of a distribution",
  "sensitivity.derivatives": "Slopes of the price",
  "sensitivity.efficacy": "Efficacy of an analysis",
  "price.data": "Price",
  "price.comparison": "Comparison of plants",
  "price.impact": "Impact of changes",
  "price.models": "Catalogue of models",
  "price.store": "Storing a model",
};

/** Abbreviations among the names of kinds. */
const LETTERS = new Set(["lca", "nmf", "mca", "vi", "dcm", "mnl"]);

/** `market.lca_covariates` -> Market: LCA covariates. Kinds this page has no word for. */
export function analysis(kind) {
  if (ANALYSES[kind]) return ANALYSES[kind];
  const [domain, ...rest] = String(kind).split(".");
  const words = rest.join(" ").split(/[\s_]+/).filter(Boolean).map((word) => (LETTERS.has(word) ? word.toUpperCase() : word));
  const first = domain.charAt(0).toUpperCase() + domain.slice(1);
  return words.length > 0 ? `${first}: ${words.join(" ")}` : first;
}

const STATUS = {
  pending: "waiting",
  running: "running",
  completed: "finished",
  failed: "failed",
  cancelled: "cancelled",
};

export const status = (word) => STATUS[word] ?? word;
export const ended = (word) => word === "completed" || word === "failed" || word === "cancelled";
