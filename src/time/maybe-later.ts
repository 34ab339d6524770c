/** A value that may be at hand. At one token, or one admission, a promise costs as much as all the rest of a step. */
export type MaybeLater<T> = T | Promise<T>;
