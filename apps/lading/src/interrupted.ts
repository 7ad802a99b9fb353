/** The command was asked to stop (SIGINT, SIGTERM), and did. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  /** `more`: how to go on. */
  constructor(more?: string) {
    super(more === undefined ? 'interrupted' : `interrupted; ${more}`)
  }
}
