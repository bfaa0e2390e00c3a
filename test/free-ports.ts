import { type Ports, placeNames } from '#infra/sandbox/stack.ts'
import { freePort } from '#infra/sandbox/start/ports.ts'

/** A free port for every place of the sandbox, so that proofs and benches never meet a running `npm start`. */
export const freePorts = async (): Promise<Ports> => {
  const ports = await Promise.all(placeNames.map(freePort))
  return Object.fromEntries(placeNames.map((name, index) => [name, ports[index]])) as Ports
}
