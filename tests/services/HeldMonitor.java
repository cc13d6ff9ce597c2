// SPDX-License-Identifier: Apache-2.0
// Threads share a monitor; told so, one has it and sleeps.
import java.io.BufferedReader;
import java.io.InputStreamReader;

public class HeldMonitor {
    private static final Object monitor = new Object();
    private static long sum;

    private static void work() {
        try {
            while (true) {
                synchronized (monitor) {
                    for (int i = 0; i < 20000; i++) sum += i % 7;
                }
                Thread.sleep(4);
            }
        } catch (InterruptedException e) {
            return;
        }
    }

    private static void hold() {
        try (BufferedReader orders = new BufferedReader(new InputStreamReader(System.in))) {
            System.out.println("ready");
            while (orders.readLine() != null) {
                synchronized (monitor) {
                    Thread.sleep(2000);
                }
                System.out.println("thawed");
            }
        } catch (Exception e) {
            System.exit(1);
        }
        System.exit(0);
    }

    public static void main(String[] arguments) {
        for (int i = 0; i < 5; i++) new Thread(HeldMonitor::work, "worker" + i).start();
        new Thread(HeldMonitor::hold, "holder").start();
    }
}
