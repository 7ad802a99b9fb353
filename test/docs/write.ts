import { writeTable } from './page.ts'
import { TABLES } from './tables.ts'

/** Writes the tables of the docs that are made from code. Run it with `npm run docs`. */
for (const [page, make] of Object.entries(TABLES)) await writeTable(page, await make())
