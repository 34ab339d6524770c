import type { ResponseHeaders } from '../connections/response-head';

/** A longer advice is taken for this one: nobody knows an hour ahead when there will be room. */
const MAX_MS = 3_600_000;
/** The one form of date that is sent today: `Sun, 06 Nov 1994 08:49:37 GMT`. */
const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Milliseconds for which `Retry-After` asks to be left alone (RFC 9110, section 10.2.3): seconds, or a date, which is read by the
 * clock of whoever sent it where the answer has a `Date`. Undefined where there is none, or none that can be read.
 */
export function retryAfterMsOf(headers: ResponseHeaders, wallMs: number): number | undefined {
  const value = headers['retry-after'] ?? '';
  if (/^\d{1,10}(\.\d{1,6})?$/.test(value)) return Math.min(MAX_MS, Math.ceil(Number(value) * 1000));
  const untilMs = dateMsOf(value);
  if (untilMs === undefined) return undefined;
  const sentMs = dateMsOf(headers['date'] ?? '') ?? wallMs;
  return Math.min(MAX_MS, Math.max(0, untilMs - sentMs));
}

function dateMsOf(text: string): number | undefined {
  const ms = imfFixdate.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
