/** Whether only this machine is reached at the host: a name or address, an IPv6 one in brackets (of a URL) or without. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
