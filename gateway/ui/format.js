/* Numbers for people. What is not there is a dash. */

const NONE = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function count(value) {
    return Number.isFinite(value) ? whole.format(value) : NONE;
}

export function rate(value) {
    if (!Number.isFinite(value))
        return NONE;
    return value >= 1000 ? whole.format(value) : short.format(value);
}

/** Of microseconds; 0: there was nothing to measure. */
export function ms(us) {
    return us > 0 ? `${rate(us / 1000)} ms` : NONE;
}

export function bytes(value) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    if (!Number.isFinite(value))
        return NONE;
    for (; value >= 1024 && unit + 1 < units.length; unit++)
        value /= 1024;
    return `${short.format(value)} ${units[unit]}`;
}

export function seconds(milliseconds) {
    return milliseconds > 0 ? `${count(Math.ceil(milliseconds / 1000))} s` : NONE;
}

/** 93784000 as "1 d 2 h". */
export function age(milliseconds) {
    const minutes = Math.floor(milliseconds / 60000);
    const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24;
    if (!Number.isFinite(minutes))
        return NONE;
    if (days > 0)
        return `${days} d ${hours} h`;
    return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

export function text(value) {
    return value === undefined || value === null || value === "" ? NONE : String(value);
}

/** The day, in UTC, that many days before this one. */
export function day(before = 0, now = Date.now()) {
    return new Date(now - before * 86400000).toISOString().slice(0, 10);
}
