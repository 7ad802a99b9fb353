import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../support/find-program.ts'
import { freePort } from '../support/free-port.ts'
import { serverProcess } from '../support/server-process.ts'
import type { ServerProgram } from './program.ts'

/** nginx that takes PUT to `/files/…` below the folder (ngx_http_dav_module), in one process; undefined where there is none. */
export async function startNginx(folder: string): Promise<ServerProgram | undefined> {
  const program = findProgram('nginx') ?? findProgram('/usr/sbin/nginx')
  if (program === undefined) {
    console.log('  There is no nginx on PATH; its baseline is left out')
    return undefined
  }
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration(port, folder))
  const server = serverProcess({
    program,
    args: ['-p', folder, '-c', file, '-e', join(folder, 'nginx.log')],
    answers: async () => (await fetch(url)).status > 0,
  })
  await server.start()
  return Object.assign(server, { url })
}

function configuration(port: number, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/nginx-${name};`).join('\n  ')}
  client_max_body_size 0;
  client_body_buffer_size 256k;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    location /files/ { dav_methods PUT; create_full_put_path on; }
  }
}
`
}
