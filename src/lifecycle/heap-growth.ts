import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const MIB = 1024 * 1024;
/** Garbage that may lie beside what is in use. */
const GARBAGE_BYTES = 64 * MIB;
/** Of what is in use: below it a large heap would be gone through without end, above it V8 itself does not go. */
const LEAST_PERCENT = 40;
const MOST_PERCENT = 300;

/**
 * Bounds the garbage of the heap by bytes. V8's own bound is a factor, of up to four where the machine has memory: 100 MB in use become
 * 400 MB that are never given back.
 */
export function boundGarbage(): void {
  const adapt = (): void =>
    setFlagsFromString(`--heap-growing-percent=${growthPercentOf(getHeapStatistics().used_heap_size)}`);
  adapt();
  const observer = new PerformanceObserver(list => {
    if (list.getEntries().some(isMajor)) adapt();
  });
  observer.observe({ entryTypes: ['gc'] });
}

/** How far a heap of which so much is in use may grow before it is collected. */
export function growthPercentOf(usedBytes: number): number {
  return Math.round(Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, (100 * GARBAGE_BYTES) / usedBytes)));
}

function isMajor(entry: PerformanceEntry): boolean {
  return (
    (entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } }).detail?.kind ===
    constants.NODE_PERFORMANCE_GC_MAJOR
  );
}
