import pg from 'pg'

export interface Place {
  /** The name of the pack's file. */
  readonly pack: string
  /** Of the first byte, in the pack. */
  readonly offset: number
}

/** Where the bytes of the job's file lie in the spool. */
export async function placeOf(databaseUrl: string, jobId: string, path: string): Promise<Place> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ pack_id: string; pack_offset: string }>(
      'SELECT w.pack_id, f.pack_offset FROM files f JOIN work_items w USING (work_id) WHERE f.job_id = $1 AND f.path = $2',
      [jobId, path],
    )
    const [row] = rows
    if (row === undefined) throw new Error(`the job ${jobId} has no file ${path}`)
    return { pack: row.pack_id, offset: Number(row.pack_offset) }
  } finally {
    await client.end()
  }
}
