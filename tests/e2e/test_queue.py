"""The way of a request through the real queue: one at a time for each resource, each once, and none that is forged."""

import unittest

import by_hand
import world
from by_hand import Held, Resource
from local import deploy
from response_url import ResponseUrl


def one(**properties):
    return world.template({"Web": world.agent(**({"Image": "ruby:3.3"} | properties))})


class Queued(world.Case):
    def held(self):
        """A stack in which requests sent by hand are carried out."""
        held = Held("by-hand")
        self.addCleanup(held.delete)
        return held

    def test_a_request_is_enqueued_handled_and_answered(self):
        resource = Resource(self.held())
        with ResponseUrl() as response:
            event = resource.event("Create", response.url)
            by_hand.invoke(event)
            response.wait_for(1)
        by_hand.finished(event)
        logged = [(who, line) for who, line in by_hand.journal(event) if "action" not in line]
        (receiver, enqueued), (handler, handling) = logged[:2]
        self.assertEqual((receiver, enqueued["message"]), (deploy.PROVIDER, "enqueued"))
        self.assertEqual((handler, handling["message"]), (deploy.HANDLER, "handling"))
        self.assertEqual(enqueued["group"], resource.group)
        self.assertEqual(handling["span"]["message_id"], enqueued["message_id"])
        self.assertEqual(handling["span"]["receive_count"], "1")
        self.assertIn((deploy.HANDLER, "answered"), [(who, line["message"]) for who, line in logged])
        # The receiver did nothing else.
        called = {line["action"] for who, line in by_hand.journal(event) if who == receiver and "action" in line}
        self.assertEqual(called, {"sqs:SendMessage"})
        resource.send("Delete", PhysicalResourceId=resource.id_of("direct"))

    def test_the_same_event_invoked_twice_is_carried_out_once(self):
        resource = Resource(self.held())
        with ResponseUrl() as response:
            event = resource.event("Create", response.url)
            by_hand.invoke(event)
            by_hand.invoke(event)
            response.wait_for(1)
            by_hand.finished(event)
            # Once more, when the first one is long done.
            by_hand.invoke(event)
            by_hand.finished(event)
            response.wait_for(1)
        self.assertEqual(by_hand.words(event).count("enqueued"), 3)
        self.assertEqual(by_hand.words(event).count("handling"), 1)
        self.assertEqual(len(world.active("direct")), 1)
        resource.send("Delete", PhysicalResourceId=resource.id_of("direct"))

    def test_a_message_in_another_group_is_dropped(self):
        held = self.held()
        resource = Resource(held)
        with ResponseUrl() as response:
            event = resource.event("Create", response.url)
            before = world.everything()
            by_hand.enqueue(event, Resource(held, "Another").group)
            by_hand.finished(event)
            self.assertEqual(response.received, [])
        self.assertEqual(
            by_hand.words(event),
            ["the message is not in the group of its resource: it is dropped, and nothing was changed"],
        )
        self.assertEqual(world.everything(), before)

    def test_create_updates_and_delete_in_rapid_succession_leave_nothing(self):
        resource = Resource(self.held())
        there = {"PhysicalResourceId": resource.id_of("direct")}
        before = world.everything()
        for _ in range(3):
            with ResponseUrl() as first, ResponseUrl() as second, ResponseUrl() as third, ResponseUrl() as last:
                resource.properties = {"Image": "ruby:1"}
                events = [resource.event("Create", first.url)]
                for image, response in (("ruby:2", second), ("ruby:3", third)):
                    old = dict(resource.properties)
                    resource.properties = {"Image": image}
                    events.append(resource.event("Update", response.url, OldResourceProperties=old, **there))
                events.append(resource.event("Delete", last.url, **there))
                # None waits for the answer to the one before.
                for event in events:
                    by_hand.invoke(event)
                for response in (first, second, third, last):
                    (answer,) = response.wait_for(1)
                    self.assertEqual(answer["body"]["Status"], "SUCCESS")
                by_hand.finished(events[-1])
            journals = [by_hand.journal(event) for event in events]
            spans = [[line["timestamp"] for who, line in one if who == deploy.HANDLER] for one in journals]
            for earlier, later in zip(spans, spans[1:]):
                self.assertLess(earlier[-1], later[0], "one request at a time")
            self.assertEqual(world.everything(), before)


class Forged(world.Case):
    """Anybody who may invoke the receiver can send it a Delete for a resource that is at rest."""

    def test_a_forged_delete_changes_nothing(self):
        def to_receiver(resource, event):
            by_hand.invoke(event)

        def to_queue(resource, event):
            by_hand.enqueue(event, resource.group)

        stack = self.created("pipelines", one())
        before, outputs = world.everything(), stack.outputs()
        own, invented = outputs["Reference"], "pipelines-Web-1ABCDEFGHIJK"
        # With the present time, with an old one, with none.
        for send, ago, physical_id in (
            (to_receiver, 0, own),
            (to_receiver, 0, invented),
            (to_receiver, 3600, own),
            (to_receiver, None, own),
            (to_receiver, None, invented),
            (to_queue, 0, own),
            (to_queue, None, invented),
        ):
            with self.subTest(f"{send.__name__}, {ago}, {physical_id}"):
                resource = Resource(stack, "Web")
                with ResponseUrl(ago=ago) as response:
                    event = resource.event("Delete", response.url, PhysicalResourceId=physical_id)
                    send(resource, event)
                    by_hand.finished(event)
                self.assertIn("handling", by_hand.words(event))
                self.assertEqual(world.everything(), before)
                self.assertEqual(stack.outputs(), outputs)
        # The real one is still carried out.
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertEqual(world.active("web"), [])

    def test_a_request_whose_url_has_expired_is_not_even_enqueued(self):
        stack = self.created("pipelines", one())
        before = world.everything()
        with ResponseUrl(ago=3 * 3600) as response:
            event = Resource(stack, "Web").event("Delete", response.url, PhysicalResourceId=stack.reference("Web"))
            by_hand.invoke(event)
            self.assertEqual(response.received, [])
        self.assertNotIn("enqueued", by_hand.words(event))
        self.assertEqual(world.everything(), before)


if __name__ == "__main__":
    unittest.main()
