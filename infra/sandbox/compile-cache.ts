import { fileURLToPath } from 'node:url'

/**
 * Lets Node keep what it compiled of our TypeScript and of the libraries, which is over half of what starting a process
 * costs. For development and tests alone: who can write there decides what is run.
 */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url)),
}
