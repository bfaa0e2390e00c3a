/** Whether this process is stopping: it finishes what it has, and wants nothing new. One process stops once. */
let draining = false

export const isDraining = (): boolean => draining

export const beginDraining = (): void => {
  draining = true
}
