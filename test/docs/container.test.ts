import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../architecture/workspaces.ts'

const image = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')

test('the image runs as somebody who owns nothing but the folder of its data', () => {
  const last = image.slice(image.lastIndexOf('\nFROM '))
  expect(last.match(/^USER .*$/gm)).toEqual(['USER node'])
  expect(last.match(/--owner=node.*$/gm)).toEqual(['--owner=node --group=node /var/lib/lading'])
  expect(last.indexOf('USER node')).toBeLessThan(last.indexOf('ENTRYPOINT'))
})

test('the compose file gives Lading a root that it cannot write to, and no privileges', () => {
  const lading = compose.slice(compose.indexOf('x-lading:'), compose.indexOf('x-once:'))
  for (const line of ['read_only: true', 'cap_drop: [ALL]', "security_opt: ['no-new-privileges:true']"])
    expect(lading).toContain(`\n  ${line}\n`)
  const services = compose.slice(compose.indexOf('\nservices:')).match(/^ {4}<<: .*$/gm)
  expect(services?.every((line) => line.includes('*lading'))).toBe(true)
})

test('of what the compose file starts, only the API has a port to the outside', () => {
  expect(compose.match(/^ +ports: .*$/gm)).toEqual(["    ports: ['8080:8080']"])
})
