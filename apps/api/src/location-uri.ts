import type { Location } from '@lading/catalog'
import type { ObjectStore } from '@lading/core'

/** The URI below which artifacts lie, with a slash at its end: that of any object in it, less the object's name. */
export function locationUri(store: Pick<ObjectStore, 'uri'>, { bucket, prefix }: Location): string {
  return store.uri({ bucket, key: `${prefix}x` }).slice(0, -1)
}
