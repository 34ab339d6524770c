/** When anything was last sent to anybody; by `performance.now()`. */
export class Sendings {
  lastMs = 0;

  sent(): void {
    this.lastMs = performance.now();
  }
}
