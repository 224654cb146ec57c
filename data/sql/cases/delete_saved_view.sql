-- the view of the queue that is removed or written again
delete from saved_view
where saved_view.id = $id
