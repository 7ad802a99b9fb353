/**
 * Algorithms of signatures (RFC 7518, 3.1; RFC 8037) that a token may be asked to have. All are asymmetric: with `HS…` a
 * public key would be taken for the secret that it is not, and `none` is no signature.
 */
export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number]

/** Which tokens of an OpenID Connect issuer are believed, and what is read in them. */
export interface JwtRules {
  /** The claim `iss`, to the letter; its keys are found from here. */
  readonly issuer: string
  /** The claim `aud` is this, or a list that holds it. */
  readonly audience: string
  readonly algorithms: readonly JwtAlgorithm[]
  /** The claim that holds the tenant. */
  readonly tenantClaim: string
  /** The claim that holds the scopes: words with spaces between them (RFC 8693, 4.2), or a list of words. */
  readonly scopeClaim: string
  /** What scopes of this server begin with there; all others are somebody else's. */
  readonly scopePrefix: string
  /** Milliseconds that the clocks of the issuer and of this server may differ. */
  readonly clockToleranceMs: number
  readonly keys: IssuerKeyTimes
}

/** How long keys of an issuer are used; all in milliseconds. */
export interface IssuerKeyTimes {
  /** After this, they are fetched again, while those that are there are used. */
  readonly freshMs: number
  /** After this, they are no longer used: an issuer that cannot be reached for so long may have withdrawn them. */
  readonly usedMs: number
  /** For so long after they were fetched, a token that names another key is not worth another look. */
  readonly cooldownMs: number
  /** For so long after they could not be fetched, nobody tries again. */
  readonly retryMs: number
  /** Each of the two requests may take so long. */
  readonly timeoutMs: number
}

export const ISSUER_KEY_TIMES: IssuerKeyTimes = {
  freshMs: 600_000,
  usedMs: 86_400_000,
  cooldownMs: 30_000,
  retryMs: 5000,
  timeoutMs: 5000,
}
