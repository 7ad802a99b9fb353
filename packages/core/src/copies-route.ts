/**
 * The route of work that needs no spool: files which the store copies from what it has. Every worker that delivers serves
 * it, besides the routes of its spools, whose ids are UUIDs.
 */
export const COPIES_ROUTE = 'copies'
