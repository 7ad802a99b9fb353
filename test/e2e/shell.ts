import { spawn } from 'node:child_process'
import { buffer, text } from 'node:stream/consumers'

/** Runs the command as a person pastes it; what it printed. Rejects when it ends with another code than 0, with what it said. */
export async function shell(
  command: string,
  cwd: string,
  variables: Record<string, string>,
): Promise<string> {
  const quiet = command.replaceAll('curl ', 'curl --silent --show-error --fail-with-body ')
  const child = spawn('bash', ['-o', 'pipefail', '-c', quiet], { cwd, env: { ...process.env, ...variables } })
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('close', resolve).on('error', reject),
  )
  const [said, complained, code] = await Promise.all([text(child.stdout), buffer(child.stderr), ended])
  if (code !== 0) throw new Error(`${command}: exit ${code}: ${complained}: ${said}`)
  return said
}
