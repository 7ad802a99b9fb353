/** The path of a directory, or file, of a run as a person gives it: `.`, `/` and nothing are the root, which is `''`. */
export function pathGiven(path: string | undefined): string {
  return path === undefined || path === '.' || path === '/' ? '' : path.replace(/(?<=.)\/$/, '')
}

/** Of the directory that the path lies in; `''` is the root. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
