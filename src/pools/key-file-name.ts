/**
 * How a registration or a handoff file names the file of an engine's key: a plain name in the folder that the operator has set
 * apart for keys, so that no path can be written with it.
 */
export const keyFileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
