/** Some of what was asked for was done; what was not has been named. */
export class PartialFailure extends Error {
  override readonly name = 'PartialFailure'
}
