/** The bucket that everything goes to. */
export const BUCKET = 'bench'
export const ACCESS_KEY_ID = 'bench'
export const SECRET_ACCESS_KEY = 'bench-secret'

/** What the AWS SDK must be told to speak to a server on loopback; all else is its defaults. */
export const CLIENT = {
  region: 'us-east-1',
  credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
  forcePathStyle: true,
}
