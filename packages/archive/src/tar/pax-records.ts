/** Records of a pax extended header: `<length> <keyword>=<value>\n`, where the length counts its own digits too. */
export function encodePaxRecords(records: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(records).map(([keyword, value]) => record(keyword, value)))
}

function record(keyword: string, value: string): Buffer {
  const rest = Buffer.from(` ${keyword}=${value}\n`)
  let length = rest.length + String(rest.length).length
  if (String(length).length > String(rest.length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}
