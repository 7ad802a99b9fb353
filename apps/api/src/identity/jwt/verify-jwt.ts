import { LadingError } from '@lading/protocol'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { Identity } from '../identity.ts'
import { unauthenticated } from '../refusals.ts'
import { identityIn } from './claims.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { JwtRules } from './rules.ts'

/** Characters. Issuers that list all groups of a person come to some thousands. */
const LONGEST = 8192

/**
 * Whom a token of the issuer stands for (RFC 7519; RFC 8725 on what to be careful of). Fails with `unauthenticated`,
 * `token_tenant_invalid`, and `issuer_unavailable` where nobody can know now.
 */
export async function verifyJwt(token: string, rules: JwtRules, keys: IssuerKeys): Promise<Identity> {
  if (token.length > LONGEST) {
    throw unauthenticated(`the token has more than ${LONGEST} characters`, 'invalid_token')
  }
  return identityIn(await claimsOf(token, rules, keys), rules)
}

async function claimsOf(token: string, rules: JwtRules, keys: IssuerKeys): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, (header, jws) => keys.keyFor(header, jws), {
      issuer: rules.issuer,
      audience: rules.audience,
      algorithms: [...rules.algorithms],
      requiredClaims: ['exp'],
      clockTolerance: Math.round(rules.clockToleranceMs / 1000),
    })
    return payload
  } catch (error) {
    if (error instanceof LadingError) throw error
    throw unauthenticated(reasonOf(error), 'invalid_token', error)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return reasonOfClaim(error)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the token is signed by an algorithm that is not taken here'
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the token is signed by a key that its issuer does not have'
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'the token does not say which key it is signed by'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is not right'
  return 'the token is no JWT that can be read'
}

function reasonOfClaim({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `the token's claim "${claim}" is missing`
  if (claim === 'nbf') return 'the token is not valid yet'
  return `the token's claim "${claim}" is not what is asked for here`
}
