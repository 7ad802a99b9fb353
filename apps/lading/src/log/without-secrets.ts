const SECRETS = new RegExp(
  [
    // `user:password@` of a URL.
    /(?<=:\/\/)[^\s/?#"\\]*@/,
    // A token of a run (`packages/core/src/run-token.ts`).
    /(?<=lading_run_)[\w-]{8,}\.[\w-]*/,
    // A key (`packages/core/src/api-key.ts`), behind the prefix that lists show.
    /(?<=lading_[\w-]{8})[\w-]{43}/,
    // A token of an issuer (RFC 7519, 3): a JSON object in base64url begins so.
    /(?<=\beyJ)[\w-]{8,}\.[\w-]+\.[\w-]*/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)

/** The text with what would open a door replaced by three stars: a message may quote a URL, and a URL holds a password. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRETS, (secret) => (secret.endsWith('@') ? '***@' : '***'))
}
