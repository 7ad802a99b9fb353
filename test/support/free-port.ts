export { freePort } from '../../apps/lading/src/embedded/free-port.ts'
