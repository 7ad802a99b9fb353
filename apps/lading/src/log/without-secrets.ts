/** `user:password@` of a URL; and a key (`packages/core/src/api-key.ts`), behind the prefix that lists show. */
const SECRETS = /(?<=:\/\/)[^\s/?#"\\]*@|(?<=lading_[\w-]{8})[\w-]{43}/g

/** The text with what would open a door replaced by three stars: a message may quote a URL, and a URL holds a password. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRETS, (secret) => (secret.endsWith('@') ? '***@' : '***'))
}
